#include "queue/return_path.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "daemon/mac.h"

/* version, message, rcpt, hours since 1970, signature: with no bits left over
 * in base32, so that no two tokens mean the same. */
enum {
	VERSION = 1,
	PLAIN = 1 + 8 + 4 + 3,
	SIGNATURE = 14, /* of 32 octets: 112 bits */
	RAW = PLAIN + SIGNATURE,
	HOURS_MOST = 0xffffff,
};
static_assert(RAW % 5 == 0 && RAW / 5 * 8 == RETURN_PATH_TOKEN, "no spare bit");
static_assert((int)RETURN_PATH_LOCAL <= (int)ADDRESS_LOCAL_MOST,
	      "RFC 5321 4.5.3.1.1");
static const char PREFIX[] = "b+";
static const char DIGIT[] = "abcdefghijklmnopqrstuvwxyz234567";

/* What the key signs is for nothing else (domain separation). */
static void
sign(const struct return_key *key, const unsigned char plain[PLAIN],
     unsigned char out[MAC_SIZE])
{
	static const char purpose[] = "mtq return path"; /* with its NUL */
	unsigned char what[sizeof purpose + PLAIN];

	memcpy(what, purpose, sizeof purpose);
	memcpy(what + sizeof purpose, plain, PLAIN);
	mac_make((struct text){(const char *)key->octets, sizeof key->octets},
		 (struct text){(const char *)what, sizeof what}, out);
}

static void
write_raw(const struct return_path *r, const struct return_key *key,
	  unsigned char raw[RAW])
{
	int64_t hours = r->arrival_us / HOUR_US;
	unsigned char mac[MAC_SIZE];

	hours = max_of(min_of(hours, (int64_t)HOURS_MOST), (int64_t)0);
	raw[0] = VERSION;
	put_be64(raw + 1, r->message);
	put_be32(raw + 9, r->rcpt);
	raw[13] = (unsigned char)(hours >> 16);
	raw[14] = (unsigned char)(hours >> 8);
	raw[15] = (unsigned char)hours;
	sign(key, raw, mac);
	memcpy(raw + PLAIN, mac, SIGNATURE);
}

/* RFC 4648 6, without padding: five octets, eight digits. */
static void
write_digits(const unsigned char raw[RAW], char out[RETURN_PATH_TOKEN])
{
	for (size_t i = 0; i < RAW; i += 5) {
		uint64_t v = 0;

		for (size_t k = 0; k < 5; k++)
			v = v << 8 | raw[i + k];
		for (size_t k = 0; k < 8; k++)
			out[i / 5 * 8 + k] = DIGIT[v >> (35 - 5 * k) & 31];
	}
}

static int
digit(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

static bool
read_digits(const char *p, unsigned char raw[RAW])
{
	for (size_t i = 0; i < RAW; i += 5) {
		uint64_t v = 0;

		for (size_t k = 0; k < 8; k++) {
			int d = digit(*p++);

			if (d < 0)
				return false;
			v = v << 5 | (uint64_t)d;
		}
		for (size_t k = 0; k < 5; k++)
			raw[i + k] = (unsigned char)(v >> (32 - 8 * k));
	}
	return true;
}

static bool
is_verp(const char *mode)
{
	return strcmp(mode, "verp") == 0;
}

bool
return_path_single(const char *mode, struct text sender)
{
	return is_verp(mode) && sender.n > 0;
}

/* Into `out`; or why not: what we send must be an address, and one beyond ASCII
 * needs a message that was sent so. */
static const char *
use(struct text address, bool utf8, char out[ADDRESS_MOST + 1])
{
	struct address a;
	const char *why;

	if (!address_parse(address.p, address.n, utf8, &a, &why))
		return why;
	text_copy(address, out, ADDRESS_MOST + 1);
	return NULL;
}

static const char *
use_verp(const struct return_path_ask *a, char out[ADDRESS_MOST + 1])
{
	char text[RETURN_PATH_LOCAL + 1 + ADDRESS_DOMAIN_MOST];
	size_t n = strlen(a->domain), at = sizeof PREFIX - 1;
	unsigned char raw[RAW];

	if (n == 0)
		return "returns.domain is empty";
	if (n > ADDRESS_DOMAIN_MOST)
		return "returns.domain is too long";
	write_raw(&a->who, a->key, raw);
	memcpy(text, PREFIX, at);
	write_digits(raw, text + at);
	at += RETURN_PATH_TOKEN;
	text[at++] = '@';
	memcpy(text + at, a->domain, n);
	return use((struct text){text, at + n}, a->utf8, out);
}

const char *
return_path_make(const struct return_path_ask *a, char out[ADDRESS_MOST + 1])
{
	const char *why;

	text_copy(a->sender, out, ADDRESS_MOST + 1);
	if (a->sender.n == 0 || strcmp(a->mode, "keep") == 0)
		return NULL;
	if (is_verp(a->mode))
		why = use_verp(a, out);
	else if (strcmp(a->mode, "from") != 0)
		why = use(text_of(a->mode), a->utf8, out);
	else if (a->author.n == 0)
		why = "header From has no address";
	else
		why = use(a->author, a->utf8, out);
	return why;
}

enum return_path_answer
return_path_parse(struct text local, const struct return_key *key,
		  int64_t expires_us, int64_t now_us, struct return_path *out)
{
	unsigned char raw[RAW], mac[MAC_SIZE];
	struct return_path r;
	int64_t hours;

	if (local.n != RETURN_PATH_LOCAL ||
	    strncasecmp(local.p, PREFIX, sizeof PREFIX - 1) != 0 ||
	    !read_digits(local.p + sizeof PREFIX - 1, raw))
		return RETURN_PATH_FOREIGN;
	sign(key, raw, mac);
	if (!mac_equal(mac, raw + PLAIN, SIGNATURE) || raw[0] != VERSION)
		return RETURN_PATH_FORGED;
	hours = (int64_t)raw[13] << 16 | raw[14] << 8 | raw[15];
	r = (struct return_path){.message = get_be64(raw + 1),
				 .rcpt = get_be32(raw + 9),
				 .arrival_us = hours * HOUR_US};
	*out = r;
	/* An hour more: what was cut off is the sender's. */
	return now_us - r.arrival_us >= expires_us + HOUR_US ? RETURN_PATH_OLD
							     : RETURN_PATH_OURS;
}

bool
return_path_is_crm(struct text address)
{
	static const char domain[] = ".bnc.salesforce.com";
	const size_t n = sizeof domain - 1;
	struct address a;
	const char *why, *end, *at, *token;

	if (!address_parse(address.p, address.n, true, &a, &why) ||
	    a.domain.n <= n ||
	    strncasecmp(a.domain.p + a.domain.n - n, domain, n) != 0)
		return false;
	/* name=domain__token, none of the three empty */
	end = a.local.p + a.local.n;
	at = memchr(a.local.p, '=', a.local.n);
	if (at == NULL || at == a.local.p)
		return false;
	token = memmem(at + 1, (size_t)(end - at) - 1, "__", 2);
	return token != NULL && token > at + 1 && token + 2 < end;
}
