/* months_mail - see tests/sim/months.h. */
#include "tests/sim/months.h"

const char *const months_type[TYPES] = {"mail", "kept", "sure", "quiet"};

/* What seeds choose from is named in months_configure. */
static const char CONF[] =
    "instance = months\nhostname = months.example.com\n"
    "state_dir = /nowhere\nno_match = out\n"
    "bounce { postmaster = pm@pm.example\n keep_failed = 1h\n"
    " max_original = 16kb\n"
    " delay_after = %lldmin\n delays_per_sender = \"\"\n %s }\n"
    "suppress { hard_bounce_after = %u\n hard_bounce_ttl = 10d }\n"
    "history { keep = %lldd\n max_size = %s }\n"
    "listen \"in\" { address = \"127.0.0.1:2525\" }\n"
    "source \"l\" { from_ip = 127.0.0.0/8 }\n"
    "source \"crm\" { from_ip = 192.0.2.1\n bounce_authority = crm }\n"
    "type \"mail\" { weight = 2 }\n"
    "type \"kept\" { in_doubt = hold }\n"
    "type \"sure\" { in_doubt = assume-sent }\n"
    "type \"quiet\" { dsn = no }\n"
    "relay \"out\" { host = 127.0.0.1\n connections = %u\n"
    " recipients_per_message = 3\n breaker_open_for = 10min }\n"
    "retry \"normal\" { intervals = [5min, 30min, 2h, 6h]\n jitter = 10%%\n"
    " lifetime = 2d }\n";

const char *
months_address(size_t at, char out[MONTHS_ADDRESS])
{
	if (at == POSTMASTER)
		snprintf(out, MONTHS_ADDRESS, "pm@pm.example");
	else if (at == NOBODY)
		out[0] = '\0';
	else if (at >= ADDRESSES)
		snprintf(out, MONTHS_ADDRESS, "s%zu@from.example",
			 at - ADDRESSES);
	else
		snprintf(out, MONTHS_ADDRESS, "a%zu@d%zu.example", at, at % 7);
	return out;
}

size_t
months_address_at(const char *p, size_t n)
{
	char text[MONTHS_ADDRESS], again[MONTHS_ADDRESS];
	size_t at = EVERYBODY;

	text_copy((struct text){p, n}, text, sizeof text);
	if (text[0] == 'p')
		at = POSTMASTER;
	else if (text[0] == 's')
		at = ADDRESSES + strtoul(text + 1, NULL, 10);
	else if (text[0] == 'a')
		at = strtoul(text + 1, NULL, 10);
	CHECK(at < EVERYBODY && strcmp(months_address(at, again), text) == 0,
	      "an address that is nobody's: %s", text);
	return at;
}

bool
months_is_dead(size_t address)
{
	return address == POSTMASTER ? m.deaf_postmaster : address % 16 == 3;
}

struct letter *
months_letter(uint64_t id)
{
	size_t a = 0, b = m.nletters;

	while (a < b) {
		size_t middle = (a + b) / 2;

		if (m.letter[middle].id < id)
			a = middle + 1;
		else
			b = middle;
	}
	return a < m.nletters && m.letter[a].id == id ? &m.letter[a] : NULL;
}

struct letter *
months_add(uint64_t id)
{
	struct letter *l = &m.letter[m.nletters];

	CHECK(m.nletters < LETTERS, "more letters than there is room for");
	CHECK(id > m.last_id, "a message's id is not above those before it");
	*l = (struct letter){.id = id, .arrival_us = m.now_us};
	m.last_id = id;
	m.nletters++;
	return l;
}

void
months_touch(struct letter *l)
{
	if (l->touched)
		return;
	l->touched = true;
	m.touched[m.ntouched++] = (size_t)(l - m.letter);
}

void
months_configure(void)
{
	static char text[sizeof CONF + 256];
	struct settings *old = m.settings;
	struct bytes report = {0};
	struct err e;
	int n;

	n = snprintf(text, sizeof text, CONF,
		     (long long)(m.delay_after_us / MINUTE_US),
		     m.limited ? "rate_per_sender = 1/h" : "",
		     m.bounces_to_list, (long long)(m.keep_us / DAY_US),
		     m.big ? "64mb" : "1mb", (unsigned)chance(20) + 1);
	m.max_bytes = m.big ? 64 << 20 : 1 << 20;
	m.settings = settings_parse("months.conf", text, (size_t)n, &report);
	CHECK(m.settings != NULL, "%.*s", (int)report.n, (char *)report.data);
	CHECK(m.dispatch == NULL ||
		  dispatch_configure(m.dispatch, m.settings, m.now_us, &e),
	      "%s", e.text);
	settings_free(old);
	bytes_free(&report);
}

static uint64_t
lane_now(const struct letter *l, size_t address)
{
	char to[MONTHS_ADDRESS];
	struct routing_ask ask = {.author = text_of("somebody@from.example"),
				  .recipient =
				      text_of(months_address(address, to))};
	struct lane lane;

	while (strcmp(m.settings->types[ask.type].title,
		      months_type[l->type]) != 0)
		ask.type++;
	lane = lane_of(m.settings, &ask);
	return lane_pack(&lane);
}

static void
people(struct letter *l, struct ledger_recipient *r,
       char name[RCPTS_MOST][MONTHS_ADDRESS])
{
	static const uint8_t notify[] = {0,
					 0,
					 0,
					 NOTIFY_NEVER,
					 NOTIFY_SUCCESS,
					 NOTIFY_FAILURE,
					 NOTIFY_DELAY,
					 NOTIFY_SUCCESS | NOTIFY_FAILURE |
					     NOTIFY_DELAY};
	size_t first = chance(ADDRESSES);

	for (uint32_t i = 0; i < l->n; i++) {
		struct person *p = &l->to[i];

		/* no address twice in a message */
		p->address = (uint16_t)((first + i * 13) % ADDRESSES);
		p->notify = notify[chance(countof(notify))];
		p->allowed = 1;
		r[i] = (struct ledger_recipient){
		    .address = text_of(months_address(p->address, name[i])),
		    .notify = p->notify,
		    .lane = lane_now(l, p->address)};
	}
}

/* A message of the CRM enters as the receiver enters it. */
void
months_accept(void)
{
	static const char body[] = "Subject: months\r\n\r\nx\r\n";
	char name[RCPTS_MOST][MONTHS_ADDRESS], sender[MONTHS_ADDRESS];
	struct ledger_recipient r[RCPTS_MOST];
	struct message_record record;
	struct letter *l;
	struct txn *t;
	struct err e;

	if (m.nletters > LETTERS / 2) /* the rest is for reports */
		return;
	l = months_add(id_next(m.last_id, m.now_us, 0));
	l->type = (unsigned)(chance(2) == 0 ? 0 : chance(TYPES));
	l->sender = chance(20) == 0
			? NOBODY
			: ADDRESSES + chance(chance(2) == 0 ? 2 : SENDERS);
	l->crm = chance(8) == 0;
	l->poison = chance(70) == 0;
	l->n = (uint32_t)chance(RCPTS_MOST) + 1;
	people(l, r, name);
	record = (struct message_record){
	    .arrival_us = (uint64_t)m.now_us,
	    .chunks = 1,
	    .recipients = l->n,
	    .size_bytes = sizeof body - 1,
	    .body_crc = crc32c(0, body, sizeof body - 1),
	    .sender = text_of(months_address(l->sender, sender)),
	    .source = text_of(l->crm ? "crm" : "l"),
	    .type = text_of(months_type[l->type])};
	t = store_begin(m.store, true, &e);
	CHECK(t != NULL &&
		  ledger_chunk(t, l->id, 0, body, sizeof body - 1, false,
			       m.now_us, &e) &&
		  ledger_accept(t, l->id, &record, r, l->n, false, &e) &&
		  store_commit(t, &e),
	      "accept: %s", e.text);
	months_touch(l);
	dispatch_bell(m.dispatch);
}
