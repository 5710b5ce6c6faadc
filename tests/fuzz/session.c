/* A dialogue in one piece, and octet by octet with a reload to the same
 * settings in between: the same messages are kept and sorted alike, and none of
 * them can be read in two ways.  A stranger's mail goes to who gets what comes
 * back, or nowhere.  talker.h holds the other oracles. */
#include "tests/queue/talker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Small limits, so that a fuzzer meets them. */
static const char conf[] =
    "instance=a hostname=a.b\n"
    "returns {domain=r.s forward=\"f@g.h\"}\n"
    "listen l {address=127.0.0.1:1 max_message_size=1mb max_recipients=100\n"
    " max_received=3 max_errors=9 max_idle_commands=10}\n"
    "source s {from_ip=192.0.2.0/24}\n"
    "relay r {host=c.d}\nrelay q {host=e.f}\nno_match=r\n"
    "route a {priority=1 to=d type=mass via=[q, r]}\n"
    "route b {priority=2 from=\"*.x\" via=q}\n"
    "classify {priority=1 type=workflow header {X=\"*\" Subject=[a, \"b "
    "c\"]}}\n"
    "classify {priority=2 by_header=T map {1=mass}}\n"
    "classify {priority=3 type=mass sender=[y, \"*.y\", \"a@b\"]}\n"
    "classify {priority=4 type=workflow larger_than=1kb}\n";
enum { INPUT_MOST = 16384 };

/* Half of the inputs need not find the opening by themselves. */
static const char opening[] =
    "EHLO c.d\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n";

static const char returning[] =
    "EHLO c.d\r\nMAIL FROM:<>\r\nRCPT TO:<b+1@r.s>\r\n";

static void
begin(struct talker *t, const struct settings *s, char how)
{
	const char *words = how == '+' ? opening : how == '-' ? returning : "";

	talker_open_as(t, s, how == '-' ? NULL : &s->sources[0]);
	for (const char *p = words; *p != '\0'; p++)
		talker_feed(t, p, 1);
}

/* What was stored begins with "from=<> to=<f@g.h> ...". */
static void
is_forwarded(const struct talker *t)
{
	static const char to[] = "from=<> to=<f@g.h> notify=1";

	must(t->messages == 0 ||
	     (t->stored.n >= sizeof to - 1 &&
	      memcmp(t->stored.data, to, sizeof to - 1) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct settings *s, *again; /* read once, they never change */
	struct talker whole, split;
	char how;

	if (s == NULL) {
		s = talker_settings(conf);
		again = talker_settings(conf);
	}
	if (n == 0 || n > INPUT_MOST)
		return 0;
	how = data[0] == '+' || data[0] == '-' ? (char)data[0] : '\0';
	data += how != '\0';
	n -= how != '\0';
	begin(&whole, s, how);
	begin(&split, s, how);
	talker_feed(&whole, data, n);
	for (size_t i = 0; i < n; i++) {
		talker_reconfigure(&split, i % 2 == 0 ? again : s);
		talker_feed(&split, data + i, 1);
	}
	if (!talker_has_said(&whole, "must be the last command")) {
		must(whole.messages == split.messages);
		must(whole.returned == split.returned);
		must(whole.stored.n == split.stored.n);
		must(whole.stored.n == 0 ||
		     memcmp(whole.stored.data, split.stored.data,
			    whole.stored.n) == 0);
		must(whole.closed == split.closed);
	}
	if (how == '-') {
		is_forwarded(&whole);
		is_forwarded(&split);
	}
	talker_close(&whole);
	talker_close(&split);
	return 0;
}
