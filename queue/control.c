#include "queue/control.h"

WIRE_CODEC(control_order, ORDER_FIELDS)
WIRE_CODEC(control_change, CHANGE_FIELDS)
WIRE_CODEC(control_answer, ANSWER_FIELDS)
