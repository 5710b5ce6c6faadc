#include "delivery/sasl.h"

/* libgsasl wants this order. */
#include <gsasl.h>

#include <gsasl-mech.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/sasl_private.h"
#include "delivery/sasl_salted.h"

bool
sasl_is_scram(enum mechanism m)
{
	return m == MECHANISM_SCRAM_SHA_256_PLUS ||
	       m == MECHANISM_SCRAM_SHA_1_PLUS ||
	       m == MECHANISM_SCRAM_SHA_256 || m == MECHANISM_SCRAM_SHA_1;
}

static bool
is_plus(enum mechanism m)
{
	return m == MECHANISM_SCRAM_SHA_256_PLUS ||
	       m == MECHANISM_SCRAM_SHA_1_PLUS;
}

bool
sasl_is_oauth(enum mechanism m)
{
	return m == MECHANISM_OAUTHBEARER || m == MECHANISM_XOAUTH2;
}

static void
wipe_text(char *p)
{
	if (p != NULL)
		secret_wipe(p, strlen(p));
}

/* What libgsasl has copied of it. */
static void
wipe_property(Gsasl_session *x, Gsasl_property p)
{
	wipe_text((char *)(uintptr_t)gsasl_property_fast(x, p));
}

static void
hex_of(const unsigned char *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		(void)sprintf(out + 2 * i, "%02x", p[i]);
}

/* The server named salt and rounds; libgsasl has them as texts by now.  It asks
 * nobody what our answer was: without the property it fails, and s->why tells
 * more than its own words. */
static int
give_salted(struct sasl *s, Gsasl_session *x)
{
	const char *rounds = gsasl_property_fast(x, GSASL_SCRAM_ITER);
	const char *salt64 = gsasl_property_fast(x, GSASL_SCRAM_SALT);
	unsigned long n = rounds == NULL ? 0 : strtoul(rounds, NULL, 10);
	enum digest_kind k =
	    s->m == MECHANISM_SCRAM_SHA_1 || s->m == MECHANISM_SCRAM_SHA_1_PLUS
		? DIGEST_SHA1
		: DIGEST_SHA256;
	unsigned char salted[DIGEST_MOST];
	char hex[2 * DIGEST_MOST + 1], *password = NULL, *salt = NULL;
	size_t nsalt = 0;
	int rc = GSASL_AUTHENTICATION_ERROR;

	if (n < SASL_ROUNDS_LEAST || n > SASL_ROUNDS_MOST) {
		(void)snprintf(s->why, sizeof s->why,
			       "the server wants %lu rounds, %d to %d are "
			       "sensible",
			       n, SASL_ROUNDS_LEAST, SASL_ROUNDS_MOST);
		return rc;
	}
	if (salt64 == NULL ||
	    gsasl_base64_from(salt64, strlen(salt64), &salt, &nsalt) !=
		GSASL_OK ||
	    nsalt == 0 || nsalt > SALTED_SALT_MOST) {
		(void)snprintf(s->why, sizeof s->why, "no sensible salt");
		goto out;
	}
	rc = gsasl_saslprep(s->account.password->value, 0, &password, NULL);
	if (rc != GSASL_OK) {
		(void)snprintf(s->why, sizeof s->why,
			       "the password is no text (SASLprep)");
		goto out;
	}
	hex_of(salted,
	       sasl_salted(k, password, (unsigned char *)salt, nsalt,
			   (unsigned)n, salted),
	       hex);
	rc = gsasl_property_set(x, GSASL_SCRAM_SALTED_PASSWORD, hex);
	secret_wipe(salted, sizeof salted);
	secret_wipe(hex, sizeof hex);
out:
	wipe_text(password);
	gsasl_free(password);
	gsasl_free(salt);
	return rc;
}

static int
give_binding(const struct sasl *s, Gsasl_session *x)
{
	char *b64 = NULL;
	size_t n;
	int rc;

	/* Only for -PLUS: with data at hand libgsasl 2.2.0 fails plain
	 * SCRAM. */
	if (!is_plus(s->m) || s->account.nbinding == 0)
		return GSASL_NO_CB_TLS_EXPORTER;
	rc = gsasl_base64_to((const char *)s->account.binding,
			     s->account.nbinding, &b64, &n);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(x, GSASL_CB_TLS_EXPORTER, b64);
	gsasl_free(b64);
	return rc;
}

static int
give(Gsasl *g, Gsasl_session *x, Gsasl_property p)
{
	struct sasl *s = gsasl_session_hook_get(x);

	(void)g;
	/* No switch: the enum is libgsasl's, and we know five of it. */
	if (p == GSASL_AUTHID)
		return gsasl_property_set(x, p, s->account.user);
	/* Whom EXTERNAL stands for: the certificate says, unless a user is
	 * named (RFC 4422 A). */
	if (p == GSASL_AUTHZID && s->m == MECHANISM_EXTERNAL &&
	    s->account.user[0] != '\0')
		return gsasl_property_set(x, p, s->account.user);
	if (p == GSASL_AUTHZID)
		return GSASL_NO_AUTHZID;
	/* SCRAM gets the salted password alone. */
	if (p == GSASL_PASSWORD && !sasl_is_scram(s->m))
		return gsasl_property_set(x, p, s->account.password->value);
	if (p == GSASL_SCRAM_SALTED_PASSWORD)
		return give_salted(s, x);
	if (p == GSASL_CB_TLS_EXPORTER)
		return give_binding(s, x);
	return GSASL_NO_CALLBACK;
}

/* --- XOAUTH2 and OAUTHBEARER -------------------------------------------- */

static int
oauth_start(Gsasl_session *x, void **data)
{
	(void)x;
	*data = NULL;
	return GSASL_OK;
}

/* RFC 5801 4: a comma and an equals sign are written as numbers. */
static void
add_saslname(struct bytes *b, const char *p)
{
	for (; *p != '\0'; p++) {
		if (*p == ',')
			bytes_add_text(b, "=2C");
		else if (*p == '=')
			bytes_add_text(b, "=3D");
		else
			bytes_add(b, p, 1);
	}
}

/* The one thing the client says; the server's error is sasl_next's matter. */
static int
oauth_step(Gsasl_session *x, void *data, const char *in, size_t n, char **out,
	   size_t *nout)
{
	const struct sasl *s = gsasl_session_hook_get(x);
	const struct sasl_account *a = &s->account;
	struct bytes b = {0};

	(void)data;
	(void)in;
	(void)n;
	/* Enough for all of it: growing would leave a copy behind. */
	bytes_reserve(&b, 128 + 3 * strlen(a->user) + strlen(a->host) +
			      a->token->n);
	if (s->m == MECHANISM_XOAUTH2) {
		bytes_printf(&b, "user=%s\001auth=Bearer ", a->user);
	} else { /* RFC 7628 3.1 */
		bytes_add_text(&b, "n,a=");
		add_saslname(&b, a->user);
		bytes_printf(&b, ",\001host=%s\001port=%u\001auth=Bearer ",
			     a->host, (unsigned)a->port);
	}
	bytes_add(&b, a->token->value, a->token->n);
	bytes_add_text(&b, "\001\001");
	*out = malloc(b.n);
	if (*out != NULL)
		memcpy(*out, b.data, b.n);
	*nout = b.n;
	secret_wipe(b.data, b.n);
	bytes_free(&b);
	return *out == NULL ? GSASL_MALLOC_ERROR : GSASL_OK;
}

static bool
oauth_register(Gsasl *g)
{
	const Gsasl_mechanism_functions client = {.start = oauth_start,
						  .step = oauth_step};
	Gsasl_mechanism x = {.name = "XOAUTH2", .client = client};
	Gsasl_mechanism b = {.name = "OAUTHBEARER", .client = client};

	return gsasl_register(g, &x) == GSASL_OK &&
	       gsasl_register(g, &b) == GSASL_OK;
}

/* --- the exchange -------------------------------------------------------- */

struct sasl *
sasl_open(enum mechanism m, const struct sasl_account *account)
{
	struct sasl *s = must_alloc(sizeof *s);

	s->m = m;
	s->account = *account;
	if (s->account.user == NULL)
		s->account.user = "";
	if (s->account.host == NULL)
		s->account.host = "";
	must(s->account.nbinding <= sizeof s->account.binding);
	/* A handle for each: it costs microseconds, and nothing is shared. */
	if (gsasl_init(&s->g) != GSASL_OK) {
		s->g = NULL;
		goto fail;
	}
	gsasl_callback_set(s->g, give);
	if (!oauth_register(s->g) ||
	    gsasl_client_start(s->g, mechanism_name(m), &s->x) != GSASL_OK) {
		s->x = NULL;
		goto fail;
	}
	gsasl_session_hook_set(s->x, s);
	return s;
fail:
	sasl_close(s);
	return NULL;
}

void
sasl_forget(struct bytes *b)
{
	if (b->n > 0)
		secret_wipe(b->data, b->n);
	bytes_free(b);
}

void
sasl_keep(struct bytes *b, const void *p, size_t n)
{
	bytes_reserve(b, n);
	bytes_add(b, p, n);
}

void
sasl_let_go(struct sasl *s)
{
	if (s->x != NULL) {
		wipe_property(s->x, GSASL_PASSWORD);
		wipe_property(s->x, GSASL_SCRAM_SALTED_PASSWORD);
		gsasl_finish(s->x);
	}
	if (s->g != NULL)
		gsasl_done(s->g);
	s->x = NULL;
	s->g = NULL;
}

void
sasl_close(struct sasl *s)
{
	if (s == NULL)
		return;
	sasl_let_go(s);
	sasl_forget(&s->held);
	free(s);
}

bool
sasl_fail(struct sasl *s, char why[SASL_WHY_SIZE], const char *text)
{
	s->state = S_FAILED;
	(void)snprintf(why, SASL_WHY_SIZE, "%s: %s", mechanism_name(s->m),
		       text);
	return false;
}

/* Appends p in base64. */
static bool
add_base64(struct sasl *s, const char *p, size_t n, struct bytes *out,
	   char why[SASL_WHY_SIZE])
{
	char *b64 = NULL;
	size_t nb64 = 0;
	bool ok;

	if (n == 0)
		return true;
	if (gsasl_base64_to(p, n, &b64, &nb64) != GSASL_OK)
		return sasl_fail(s, why, "no memory for base64");
	ok = nb64 <= SASL_LINE_MOST;
	if (ok)
		sasl_keep(out, b64, nb64);
	secret_wipe(b64, nb64);
	gsasl_free(b64);
	return ok ||
	       sasl_fail(s, why, "our answer is longer than a line may be");
}

bool
sasl_step(struct sasl *s, const char *in, size_t n, struct bytes *out,
	  char why[SASL_WHY_SIZE])
{
	char *raw = NULL;
	size_t nraw = 0;
	int rc;
	bool ok;

	rc = gsasl_step(s->x, in, n, &raw, &nraw);
	if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
		return sasl_fail(
		    s, why, s->why[0] != '\0' ? s->why : gsasl_strerror(rc));
	s->state = rc == GSASL_OK ? S_OVER : S_GOING;
	ok = add_base64(s, raw, nraw, out, why);
	if (raw != NULL)
		secret_wipe(raw, nraw);
	gsasl_free(raw);
	return ok;
}

bool
sasl_decode(const char *p, size_t n, char **raw, size_t *nraw)
{
	*raw = NULL;
	*nraw = 0;
	return n == 0 || gsasl_base64_from(p, n, raw, nraw) == GSASL_OK;
}

char *
sasl_encode(const char *p, size_t n)
{
	char *b64 = NULL;
	size_t nb64;

	return gsasl_base64_to(p, n, &b64, &nb64) == GSASL_OK ? b64 : NULL;
}

void
sasl_free_raw(char *raw)
{
	gsasl_free(raw);
}
