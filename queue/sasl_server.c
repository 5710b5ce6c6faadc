#include "queue/sasl_server.h"

#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base64.h"
#include "queue/sasl_server_private.h"

bool
sasl_server_knows(enum mechanism m)
{
	return m == MECHANISM_PLAIN || m == MECHANISM_LOGIN ||
	       m == MECHANISM_SCRAM_SHA_256 ||
	       m == MECHANISM_SCRAM_SHA_256_PLUS;
}

/* --- what libgsasl asks ----------------------------------------------------- */

static int
give(Gsasl_session *g, Gsasl_property p, const void *octets, size_t n)
{
	struct bytes b = {0};
	int rc;

	base64_add(&b, octets, n);
	bytes_u8(&b, 0);
	rc = gsasl_property_set(g, p, (const char *)b.data);
	sasl_server_forget(&b);
	return rc;
}

static int
give_rounds(struct sasl_server *x, Gsasl_session *g)
{
	char text[16];

	snprintf(text, sizeof text, "%u", x->look.rounds);
	return gsasl_property_set(g, GSASL_SCRAM_ITER, text);
}

/* Of the password that the proof is of; when it is of none, any will do. */
static const struct account_proof *
chosen(const struct sasl_server *x)
{
	return &x->look.proof[x->at % ACCOUNT_PASSWORDS];
}

/* Which of the passwords in force the presumed key is of. */
static unsigned
proof_of(const struct sasl_server *x)
{
	unsigned at = 0;

	while (at < ACCOUNT_PASSWORDS &&
	       !mac_equal(x->look.proof[at].stored, x->stored, MAC_SIZE))
		at++;
	return at;
}

/* PLAIN and LOGIN: libgsasl has name and password by now. */
static int
validate(struct sasl_server *x, Gsasl_session *g)
{
	const char *password = gsasl_property_fast(g, GSASL_PASSWORD);
	struct bytes prepared = {0};

	if (password == NULL || strlen(password) > ACCOUNT_PASSWORD)
		return GSASL_AUTHENTICATION_ERROR;
	/* What is no text is nobody's password; it costs the same. */
	if (x->presumed) {
		x->at = proof_of(x);
		return x->at < ACCOUNT_PASSWORDS ? GSASL_OK
						 : GSASL_AUTHENTICATION_ERROR;
	}
	if (!sasl_server_prepare(password, &prepared))
		bytes_add_text(&prepared, password);
	x->at = account_check(
	    &x->look, (struct text){(const char *)prepared.data, prepared.n});
	sasl_server_forget(&prepared);
	return x->at < ACCOUNT_PASSWORDS ? GSASL_OK
					 : GSASL_AUTHENTICATION_ERROR;
}

static int
answer(Gsasl *lib, Gsasl_session *g, Gsasl_property p)
{
	struct sasl_server *x = gsasl_session_hook_get(g);

	(void)lib;
	/* No switch: the enum is libgsasl's, and we know six of it. */
	if (p == GSASL_VALIDATE_SIMPLE)
		return validate(x, g);
	if (p == GSASL_SCRAM_ITER)
		return give_rounds(x, g);
	if (p == GSASL_SCRAM_SALT)
		return give(g, p, x->look.salt, x->look.nsalt);
	/* The header of libgsasl 2.2.0 says hex and means base64. */
	if (p == GSASL_SCRAM_STOREDKEY)
		return give(g, p, chosen(x)->stored, MAC_SIZE);
	if (p == GSASL_SCRAM_SERVERKEY)
		return give(g, p, chosen(x)->server, MAC_SIZE);
	if (p == GSASL_CB_TLS_EXPORTER &&
	    x->m == MECHANISM_SCRAM_SHA_256_PLUS && x->nbinding > 0)
		return give(g, p, x->binding, x->nbinding);
	return GSASL_NO_CALLBACK;
}

/* --- an exchange ------------------------------------------------------------ */

struct sasl_server *
sasl_server_open(enum mechanism m, const unsigned char *binding, size_t n,
		 bool plus)
{
	struct sasl_server *x = must_alloc(sizeof *x);

	must(sasl_server_knows(m) && n <= sizeof x->binding);
	x->m = m;
	x->plus = plus;
	x->nbinding = n;
	if (n > 0)
		memcpy(x->binding, binding, n);
	x->at = ACCOUNT_PASSWORDS;
	/* All three fail only when there is no memory. */
	must(gsasl_init(&x->g) == GSASL_OK);
	gsasl_callback_set(x->g, answer);
	must(gsasl_server_start(x->g, mechanism_name(m), &x->x) == GSASL_OK);
	gsasl_session_hook_set(x->x, x);
	return x;
}

void
sasl_server_close(struct sasl_server *x)
{
	char *password;

	if (x == NULL)
		return;
	password = (char *)(uintptr_t)gsasl_property_fast(x->x, GSASL_PASSWORD);
	if (password != NULL)
		secret_wipe(password, strlen(password));
	gsasl_finish(x->x);
	gsasl_done(x->g);
	sasl_server_forget(&x->in);
	sasl_server_forget(&x->out);
	sasl_server_forget(&x->message);
	secret_wipe(x, sizeof *x);
	free(x);
}

/* The client's last message: what its proof is made over, and whose it is. */
static void
check_proof(struct sasl_server *x)
{
	static const char mark[] = ",p=";
	const char *p = (const char *)x->in.data;
	unsigned char proof[MAC_SIZE];
	const char *at = NULL;
	size_t n, before;

	for (size_t i = 0; i + sizeof mark - 1 <= x->in.n; i++)
		if (memcmp(p + i, mark, sizeof mark - 1) == 0)
			at = p + i;
	if (at == NULL)
		return; /* libgsasl says what is wrong with it */
	before = (size_t)(at - p);
	at += sizeof mark - 1;
	if (!base64_read((struct text){at, x->in.n - (size_t)(at - p)}, proof,
			 sizeof proof, &n) ||
	    n != sizeof proof)
		return;
	bytes_add(&x->message, ",", 1);
	bytes_add(&x->message, p, before);
	x->at = account_check_scram(
	    &x->look,
	    (struct text){(const char *)x->message.data, x->message.n}, proof);
}

static void
fail(struct sasl_server *x, const char *reason)
{
	x->result = SASL_SERVER_NO;
	snprintf(x->reason, sizeof x->reason, "%s", reason);
}

static const char *
why_wrong(const struct sasl_server *x)
{
	if (x->name[0] == '\0')
		return "no name given";
	if (!x->look.known)
		return "no such account";
	return x->look.live ? "wrong password" : "password too old";
}

/* libgsasl is content: is it the one we looked up, and for himself? */
static void
succeed(struct sasl_server *x)
{
	const char *id = gsasl_property_fast(x->x, GSASL_AUTHID);
	const char *other = gsasl_property_fast(x->x, GSASL_AUTHZID);

	if (x->at >= ACCOUNT_PASSWORDS || !x->look.known || id == NULL ||
	    strcmp(id, x->name) != 0)
		fail(x, "the name is not what it seemed");
	else if (other != NULL && *other != '\0' && strcmp(other, id) != 0)
		fail(x, "it wants to be somebody else");
	else {
		x->result = SASL_SERVER_YES;
		memcpy(x->stored, chosen(x)->stored, MAC_SIZE);
	}
}

static void
say(struct sasl_server *x, const char *raw, size_t n)
{
	/* What clients wait for, some to the letter; libgsasl says "User
	 * Name". */
	static const char *const login[] = {"Username:", "Password:"};

	x->out.n = 0;
	if (x->m == MECHANISM_LOGIN && x->result == SASL_SERVER_MORE) {
		raw = login[x->name[0] != '\0'];
		n = strlen(raw);
	}
	base64_add(&x->out, raw != NULL ? raw : "", n);
	if (sasl_server_is_scram(x) && x->lines == 0 && x->message.n > 0) {
		bytes_add(&x->message, ",", 1);
		bytes_add(&x->message, raw != NULL ? raw : "", n);
	}
}

static void
step(struct sasl_server *x)
{
	char *raw = NULL;
	size_t n = 0;
	int rc;

	/* LOGIN asks first, and libgsasl does not look at what came with the
	 * command. */
	if (x->m == MECHANISM_LOGIN && x->steps == 0 && x->in.n > 0) {
		must(gsasl_step(x->x, "", 0, &raw, &n) == GSASL_NEEDS_MORE);
		gsasl_free(raw);
		raw = NULL;
	}
	rc = gsasl_step(x->x, (const char *)x->in.data, x->in.n, &raw, &n);
	if (rc == GSASL_NEEDS_MORE)
		x->result = SASL_SERVER_MORE;
	else if (rc == GSASL_OK)
		succeed(x);
	else if (rc == GSASL_AUTHENTICATION_ERROR)
		fail(x, why_wrong(x));
	else
		fail(x, gsasl_strerror(rc));
	if (x->result != SASL_SERVER_NO)
		say(x, raw, n);
	x->lines += x->in.n > 0;
	x->steps++;
	gsasl_free(raw);
}

/* The first octet of SCRAM says what the client thinks of channel binding. */
static const char *
why_flag(const struct sasl_server *x)
{
	if (x->m != MECHANISM_SCRAM_SHA_256 || x->lines > 0 || x->in.n == 0)
		return NULL;
	if (x->in.data[0] == 'y' && x->plus)
		return "somebody has hidden -PLUS from the client";
	return x->in.data[0] == 'p' ? "binding without -PLUS" : NULL;
}

void
sasl_server_step(struct sasl_server *x, const struct accounts *a,
		 int64_t now_us)
{
	accounts_look(a, text_of(x->name), now_us, &x->look);
	x->out.n = 0;
	must(x->result == SASL_SERVER_MORE && x->steps < SASL_SERVER_STEPS);
	if (x->in.n == 0 && x->steps > 0)
		fail(x, "empty answer");
	else if (why_flag(x) != NULL)
		fail(x, why_flag(x));
	else {
		if (sasl_server_is_scram(x) && x->lines > 0)
			check_proof(x);
		step(x);
	}
	x->look =
	    (struct account_look){.known = x->look.known, .live = x->look.live};
	sasl_server_forget(&x->in);
}

void
sasl_server_put_off(struct sasl_server *x, const char *reason)
{
	fail(x, reason);
	x->result = SASL_SERVER_BUSY;
	sasl_server_forget(&x->in);
}

bool
sasl_server_presume(struct sasl_server *x, const struct accounts *a,
		    int64_t now_us, const unsigned char stored[MAC_SIZE])
{
	accounts_look(a, text_of(x->name), now_us, &x->look);
	memcpy(x->stored, stored, MAC_SIZE);
	x->presumed = x->look.known && proof_of(x) < ACCOUNT_PASSWORDS;
	return x->presumed;
}

const unsigned char *
sasl_server_stored(const struct sasl_server *x)
{
	must(x->result == SASL_SERVER_YES);
	return x->stored;
}

enum sasl_server_result
sasl_server_result(const struct sasl_server *x)
{
	return x->result;
}

struct text
sasl_server_said(const struct sasl_server *x)
{
	return (struct text){(const char *)x->out.data, x->out.n};
}

const char *
sasl_server_name(const struct sasl_server *x)
{
	return x->name;
}

const char *
sasl_server_mechanism(const struct sasl_server *x)
{
	return mechanism_name(x->m);
}

const char *
sasl_server_reason(const struct sasl_server *x)
{
	return x->reason;
}

bool
sasl_server_prepare(const char *password, struct bytes *out)
{
	char *prepared = NULL;

	if (gsasl_saslprep(password, 0, &prepared, NULL) != GSASL_OK ||
	    prepared == NULL)
		return false;
	bytes_reserve(out, strlen(prepared) + 1);
	bytes_add_text(out, prepared);
	secret_wipe(prepared, strlen(prepared));
	gsasl_free(prepared);
	return out->n > 0;
}
