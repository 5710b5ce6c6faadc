/* The pure half of wire.h: texts and the field readers of WIRE_STRUCT. */
#include "daemon/wire.h"

#include <string.h>

bool
wire_get_u8(struct reader *r, uint8_t *v, uint64_t most)
{
	*v = read_u8(r);
	return r->ok && *v <= most;
}

bool
wire_get_u16(struct reader *r, uint16_t *v, uint64_t most)
{
	*v = read_u16(r);
	return r->ok && *v <= most;
}

bool
wire_get_u32(struct reader *r, uint32_t *v, uint64_t most)
{
	*v = read_u32(r);
	return r->ok && *v <= most;
}

bool
wire_get_u64(struct reader *r, uint64_t *v, uint64_t most)
{
	*v = read_u64(r);
	return r->ok && *v <= most;
}

bool
wire_get_blob(struct reader *r, struct text *v, uint64_t most)
{
	uint32_t n = read_u32(r);

	*v = (struct text){.p = "", .n = 0};
	if (!r->ok || n > most || n > (size_t)(r->end - r->p))
		return false;
	v->p = (const char *)r->p;
	v->n = n;
	r->p += n;
	return true;
}

bool
wire_get_text(struct reader *r, struct text *v, uint64_t most)
{
	return wire_get_blob(r, v, most) &&
	       (v->n == 0 || memchr(v->p, '\0', v->n) == NULL);
}

bool
wire_get_tail(struct reader *r, struct text *v, uint64_t most)
{
	*v = (struct text){.p = "", .n = 0};
	return (r->ok && r->p == r->end) || wire_get_text(r, v, most);
}

bool
wire_get_rest(struct reader *r, struct text *v, uint64_t most)
{
	*v = (struct text){.p = "", .n = 0};
	return (r->ok && r->p == r->end) || wire_get_blob(r, v, most);
}
