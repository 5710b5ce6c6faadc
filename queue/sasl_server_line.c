#include <string.h>

#include "daemon/base64.h"
#include "queue/sasl_server_private.h"

bool
sasl_server_is_scram(const struct sasl_server *x)
{
	return x->m == MECHANISM_SCRAM_SHA_256 ||
	       x->m == MECHANISM_SCRAM_SHA_256_PLUS;
}

void
sasl_server_forget(struct bytes *b)
{
	if (b->data != NULL)
		secret_wipe(b->data, b->room);
	bytes_free(b);
}

static void
keep_name(struct sasl_server *x, const unsigned char *p, size_t n)
{
	text_copy((struct text){(const char *)p, n}, x->name, sizeof x->name);
}

/* NUL-separated: whom to be, who it is, password (RFC 4616 2). */
static void
name_of_plain(struct sasl_server *x)
{
	const unsigned char *end = x->in.data + x->in.n;
	const unsigned char *at = memchr(x->in.data, 0, x->in.n), *last;

	if (at == NULL)
		return;
	at++;
	last = memchr(at, 0, (size_t)(end - at));
	if (last != NULL)
		keep_name(x, at, (size_t)(last - at));
}

/* "n,a=other,n=name,r=nonce"; what follows the second comma counts for the
 * proof. */
static void
name_of_scram(struct sasl_server *x)
{
	const unsigned char *p = x->in.data, *end = p + x->in.n, *comma;

	for (int i = 0; i < 2; i++) {
		comma = memchr(p, ',', (size_t)(end - p));
		if (comma == NULL)
			return;
		p = comma + 1;
	}
	x->message.n = 0;
	bytes_add(&x->message, p, (size_t)(end - p));
	if (end - p < 2 || memcmp(p, "n=", 2) != 0)
		return;
	p += 2;
	comma = memchr(p, ',', (size_t)(end - p));
	if (comma != NULL)
		keep_name(x, p, (size_t)(comma - p));
}

bool
sasl_server_take(struct sasl_server *x, struct text line)
{
	sasl_server_forget(&x->in);
	bytes_reserve(&x->in, line.n / 4 * 3 + 1);
	if (!base64_read(line, x->in.data, x->in.room, &x->in.n))
		return false;
	if (x->in.n == 0)
		return true;
	if (x->m == MECHANISM_PLAIN)
		name_of_plain(x);
	else if (x->m == MECHANISM_LOGIN && x->name[0] == '\0')
		keep_name(x, x->in.data, x->in.n);
	else if (sasl_server_is_scram(x) && x->lines == 0)
		name_of_scram(x);
	return true;
}

bool
sasl_server_decides(const struct sasl_server *x)
{
	return x->m == MECHANISM_PLAIN ? x->in.n > 0
				       : x->in.n > 0 && x->lines > 0;
}

bool
sasl_server_tag(const struct sasl_server *x, struct text key,
		unsigned char tag[MAC_SIZE])
{
	struct bytes b = {0};

	if (sasl_server_is_scram(x) || !sasl_server_decides(x))
		return false;
	bytes_reserve(&b, 2 + strlen(x->name) + x->in.n);
	/* PLAIN's line has the name in it, LOGIN's has not. */
	bytes_u8(&b, x->m == MECHANISM_LOGIN);
	bytes_add(&b, x->name, strlen(x->name) + 1);
	bytes_add(&b, x->in.data, x->in.n);
	mac_make(key, (struct text){(const char *)b.data, b.n}, tag);
	sasl_server_forget(&b);
	return true;
}
