/* What a server may say at each point, and what becomes of each recipient. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/delivery/peer.h"

#define HI "220 peer\r\n"
#define PIPE                                                                   \
	"250-peer\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n250 SIZE "   \
	"5000\r\n"
#define CHUNK "250-peer\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
#define BARE  "250 peer\r\n"
#define OK    "250 2.1.0 Ok\r\n"
#define GO    "354 go\r\n"
#define SUNK  "250 2.0.0 sunk\r\n"

struct row {
	const char *name;
	const char *says;
	uint32_t rcpts;
	const char *kinds;  /* s sent, d deferred, f failed; one a recipient */
	const char *status; /* of the last recipient */
	enum stage stage;   /* of the last recipient */
	bool closed;
};

static const struct row rows[] = {
    {"all is well, pipelined", HI PIPE OK OK GO SUNK, 1, "s", "2.0.0",
     STAGE_DOT, false},
    {"all is well, one by one", HI BARE OK OK GO SUNK, 1, "s", "2.0.0",
     STAGE_DOT, false},
    {"three recipients", HI PIPE OK OK OK OK GO SUNK, 3, "sss", "2.0.0",
     STAGE_DOT, false},
    {"EHLO is not known, HELO is", HI "502 5.5.1 what\r\n" BARE OK OK GO SUNK,
     1, "s", "2.0.0", STAGE_DOT, false},
    {"the middle one is refused", HI PIPE OK OK "550 5.1.1 no\r\n" OK GO SUNK,
     3, "sfs", "2.0.0", STAGE_DOT, false},
    {"the last one is put off", HI PIPE OK OK "450 4.2.1 busy\r\n" GO SUNK, 2,
     "sd", "4.2.1", STAGE_RCPT, false},
    {"all are refused, then DATA too",
     HI PIPE OK "550 5.1.1 a\r\n"
		"550 5.1.1 b\r\n"
		"554 5.5.1 none\r\n",
     2, "ff", "5.1.1", STAGE_RCPT, false},
    {"all are refused, yet DATA is taken",
     HI PIPE OK "550 5.1.1 a\r\n" GO "554 5.5.1 none\r\n", 1, "f", "5.1.1",
     STAGE_RCPT, false},
    {"all are refused and the empty message is taken",
     HI PIPE OK "550 5.1.1 a\r\n" GO SUNK, 1, "f", "5.1.1", STAGE_RCPT, false},
    {"all are refused one by one", HI BARE OK "550 5.1.1 a\r\n", 1, "f",
     "5.1.1", STAGE_RCPT, false},
    {"a refusal without an enhanced code",
     HI PIPE OK "550 no\r\n"
		"554 no\r\n",
     1, "f", "5.0.0", STAGE_RCPT, false},
    {"an enhanced code of another class",
     HI PIPE OK "550 2.1.5 no\r\n"
		"554 no\r\n",
     1, "f", "5.0.0", STAGE_RCPT, false},
    {"MAIL is refused",
     HI PIPE "553 5.1.8 sender\r\n"
	     "503 x\r\n"
	     "503 x\r\n",
     1, "f", "5.1.8", STAGE_MAIL, false},
    {"MAIL is put off", HI BARE "451 4.3.0 later\r\n", 2, "dd", "4.3.0",
     STAGE_MAIL, false},
    {"DATA is put off", HI PIPE OK OK "451 4.3.0 disk\r\n", 1, "d", "4.3.0",
     STAGE_DATA, false},
    {"DATA is refused", HI PIPE OK OK "554 5.6.0 no\r\n", 1, "f", "5.6.0",
     STAGE_DATA, false},
    {"250 to DATA", HI PIPE OK OK "250 ok\r\n", 1, "d", "4.5.0", STAGE_DATA,
     true},
    {"the message is refused", HI PIPE OK OK GO "554 5.7.1 spam\r\n", 1, "f",
     "5.7.1", STAGE_DOT, false},
    {"the message is put off", HI PIPE OK OK GO "452 4.3.1 full\r\n", 1, "d",
     "4.3.1", STAGE_DOT, false},
    {"354 to the dot", HI PIPE OK OK GO GO, 1, "d", "4.5.0", STAGE_DOT, true},
    {"421 to the greeting", "421 4.3.2 busy\r\n", 1, "d", "4.3.2",
     STAGE_GREETING, true},
    {"554 to the greeting", "554 5.7.1 go away\r\n", 1, "d", "4.7.1",
     STAGE_GREETING, true},
    {"250 to the greeting", "250 hello\r\n", 1, "d", NULL, STAGE_GREETING,
     true},
    {"421 to EHLO", HI "421 4.3.2 x\r\n", 1, "d", "4.3.2", STAGE_EHLO, true},
    {"421 to MAIL", HI PIPE "421 4.3.2 x\r\n", 1, "d", "4.3.2", STAGE_MAIL,
     true},
    {"421 to a RCPT after one was taken", HI PIPE OK OK "421 4.3.2 x\r\n", 2,
     "dd", "4.3.2", STAGE_RCPT, true},
    {"421 to the dot", HI PIPE OK OK GO "421 4.3.2 x\r\n", 1, "d", "4.3.2",
     STAGE_DOT, true},
    {"lost before the greeting", "", 1, "d", "4.4.2", STAGE_GREETING, true},
    {"lost after EHLO", HI, 1, "d", "4.4.2", STAGE_EHLO, true},
    {"lost after a refusal", HI PIPE OK "550 5.1.1 no\r\n", 2, "fd", "4.4.2",
     STAGE_RCPT, true},
    {"lost after the dot", HI PIPE OK OK GO, 1, "d", "4.4.2", STAGE_DOT, true},
    {"HTTP", "HTTP/1.1 400 Bad Request\r\n", 1, "d", "4.5.0", STAGE_GREETING,
     true},
    {"a reply too many before the dot", HI BARE OK OK OK, 1, "d", NULL,
     STAGE_DATA, true},
    {"the reply to MAIL comes with EHLO's", HI BARE OK OK, 1, "d", "4.4.2",
     STAGE_DATA, true},
    {"a reply to nothing, greeting twice", HI HI, 1, "s", NULL, STAGE_EHLO,
     true},
    {"as chunks", HI CHUNK OK OK OK SUNK, 1, "s", "2.0.0", STAGE_DOT, false},
    {"as chunks, two of three", HI CHUNK OK OK "550 5.1.1 no\r\n" OK OK SUNK, 3,
     "sfs", "2.0.0", STAGE_DOT, false},
    {"as chunks, nobody was taken", HI CHUNK OK "550 5.1.1 no\r\n", 1, "f",
     "5.1.1", STAGE_RCPT, false},
    {"as chunks, MAIL is refused",
     HI CHUNK "553 5.1.8 x\r\n"
	      "503 x\r\n",
     1, "f", "5.1.8", STAGE_MAIL, false},
    {"the chunk is refused, and its end",
     HI CHUNK OK OK "552 5.3.4 big\r\n"
		    "503 5.5.1 x\r\n",
     1, "f", "5.3.4", STAGE_DOT, false},
    {"the chunk is put off, and its end",
     HI CHUNK OK OK "452 4.3.1 full\r\n"
		    "503 5.5.1 x\r\n",
     1, "d", "4.3.1", STAGE_DOT, false},
    {"the chunk is refused, its end is not",
     HI CHUNK OK OK "552 5.3.4 x\r\n" SUNK, 1, "d", "4.5.0", STAGE_DOT, true},
    {"the chunk is taken, its end refused",
     HI CHUNK OK OK OK "554 5.7.1 spam\r\n", 1, "f", "5.7.1", STAGE_DOT, false},
    {"lost after the chunk", HI CHUNK OK OK OK, 1, "d", "4.4.2", STAGE_DOT,
     true},
    {"354 to the end of chunks", HI CHUNK OK OK OK GO, 1, "d", "4.5.0",
     STAGE_DOT, true},
    {"codes that change between lines", HI "250-a\r\n251 b\r\n", 1, "d",
     "4.5.0", STAGE_EHLO, true},
};

static char
kind_letter(enum verdict_kind k)
{
	return k == VERDICT_SENT ? 's' : k == VERDICT_DEFER ? 'd' : 'f';
}

static void
check_row(const struct row *r, size_t piece)
{
	size_t n = strlen(r->says);
	struct peer p;

	peer_open(&p, peer_task(r->rcpts, 0, "a@from.test"));
	for (size_t at = 0; at < n; at += piece)
		peer_says(&p, r->says + at, min_of(piece, n - at));
	peer_lost(&p);
	for (uint32_t i = 0; i < r->rcpts; i++) {
		if (!p.task->judged[i])
			fail_msg("%s: recipient %u has no verdict", r->name, i);
		if (kind_letter(p.task->verdict[i].kind) != r->kinds[i] &&
		    r->status != NULL)
			fail_msg("%s: recipient %u is %c", r->name, i,
				 kind_letter(p.task->verdict[i].kind));
	}
	if (r->status != NULL &&
	    strcmp(p.task->verdict[r->rcpts - 1].status, r->status) != 0)
		fail_msg("%s: status %s", r->name,
			 p.task->verdict[r->rcpts - 1].status);
	if (r->status != NULL &&
	    p.task->verdict[r->rcpts - 1].stage != r->stage)
		fail_msg("%s: stage %s", r->name,
			 stage_text(p.task->verdict[r->rcpts - 1].stage));
	peer_close(&p);
}

/* Every row, in one piece and octet by octet. */
static void
dialogue_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		check_row(&rows[i], strlen(rows[i].says) + 1);
		check_row(&rows[i], 1);
	}
}

static void
wrote(const struct peer *p, const char *what, bool wanted)
{
	bool found = memmem(p->out.data, p->out.n, what, strlen(what)) != NULL;

	if (found != wanted)
		fail_msg("%s in \"%.*s\"", what, (int)p->out.n,
			 (const char *)p->out.data);
}

/* Parameters go only where the server offers them. */
static void
parameters(void **state)
{
	struct peer p;

	(void)state;
	peer_open(&p,
		  peer_task(1, MESSAGE_8BIT | MESSAGE_RET_HDRS, "a@from.test"));
	peer_says(&p, HI PIPE, strlen(HI PIPE));
	wrote(&p,
	      "MAIL FROM:<a@from.test> SIZE=1000 BODY=8BITMIME RET=HDRS "
	      "ENVID=e+20x\r\nRCPT TO:<b@to.test> NOTIFY=FAILURE,DELAY "
	      "ORCPT=rfc822;b@to.test\r\nDATA\r\n",
	      true);
	assert_true(p.task->dsn_passed);
	peer_lost(&p);
	peer_close(&p);
	peer_open(&p, peer_task(1, MESSAGE_8BIT, ""));
	peer_says(&p, HI BARE, strlen(HI BARE));
	wrote(&p, "MAIL FROM:<>\r\n", true);
	wrote(&p, "RCPT", false);
	assert_false(p.task->dsn_passed);
	peer_lost(&p);
	peer_close(&p);
}

/* What the server can't carry is not sent: said before MAIL. */
static void
cannot_carry(void **state)
{
	static const struct {
		const char *ehlo, *status;
		uint32_t flags;
		const char *sender;
	} row[] = {
	    {BARE, "5.6.3", MESSAGE_HAS_8BIT, "a@from.test"},
	    {PIPE, "5.6.7", MESSAGE_SMTPUTF8, "\xc3\xa4@from.test"},
	    {"250-peer\r\n250 SIZE 999\r\n", "5.3.4", 0, "a@from.test"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct peer p;

		peer_open(&p, peer_task(2, row[i].flags, row[i].sender));
		peer_says(&p, HI, strlen(HI));
		peer_says(&p, row[i].ehlo, strlen(row[i].ehlo));
		assert_int_equal(p.done, 1);
		assert_string_equal(p.task->verdict[1].status, row[i].status);
		assert_int_equal(p.task->verdict[1].kind, VERDICT_FAIL);
		wrote(&p, "MAIL", false);
		peer_close(&p);
	}
}

/* The connection serves the next message without RSET after a success. */
static void
two_messages(void **state)
{
	struct peer p;
	struct task *second;

	(void)state;
	peer_open(&p, peer_task(1, 0, "a@from.test"));
	peer_says(&p, HI PIPE OK OK GO SUNK, strlen(HI PIPE OK OK GO SUNK));
	assert_int_equal(p.done, 1);
	second = peer_task(1, 0, "c@from.test");
	peer_step(&p, dialogue_begin(&p.d, second));
	peer_says(&p, OK OK GO SUNK, strlen(OK OK GO SUNK));
	assert_int_equal(p.done, 2);
	assert_int_equal(second->verdict[0].kind, VERDICT_SENT);
	wrote(&p, "RSET", false);
	task_free(second);
	peer_close(&p);
}

/* While the dot waits for its permit the server has not been asked anything:
 * what it says can only end the connection, and nothing is in doubt. */
static void
while_the_dot_waits(void **state)
{
	static const struct {
		const char *says, *status;
		uint16_t code;
	} row[] = {
	    {"", "4.4.2", 0},
	    {SUNK, "4.5.0", 0},
	    {GO, "4.5.0", 0},
	    {"421 4.4.2 you are slow\r\n", "4.4.2", 421},
	    {"451 4.4.2 you are slow\r\n", "4.4.2", 451},
	    {"554 5.4.2 you are slow\r\n", "4.4.2", 554},
	    {"552 too large\r\n", "4.0.0", 552},
	    {"what\r\n", "4.5.0", 0},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct peer p;

		peer_open(&p, peer_task(2, 0, "a@from.test"));
		p.holds = true;
		peer_says(&p, HI PIPE OK OK OK GO, strlen(HI PIPE OK OK OK GO));
		assert_int_equal(p.d.state, DIALOGUE_BODY);
		peer_says(&p, row[i].says, strlen(row[i].says));
		peer_lost(&p);
		assert_int_equal(p.task->verdict[1].kind, VERDICT_DEFER);
		assert_int_equal(p.task->verdict[1].code, row[i].code);
		assert_int_equal(p.task->verdict[1].stage, STAGE_BODY);
		assert_string_equal(p.task->verdict[1].status, row[i].status);
		assert_false(p.task->dot_sent);
		peer_close(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dialogue_rows),
	    cmocka_unit_test(parameters),
	    cmocka_unit_test(cannot_carry),
	    cmocka_unit_test(two_messages),
	    cmocka_unit_test(while_the_dot_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
