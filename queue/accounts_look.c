#include <string.h>

#include "queue/accounts.h"

/* Octets that nobody can guess who has not the file: of a name, for a use. */
static void
invent(const struct accounts *a, const char *use, struct text name,
       unsigned char out[MAC_SIZE])
{
	struct text key = {(const char *)a->key, MAC_SIZE};
	unsigned char own[MAC_SIZE];

	mac_make(key, text_of(use), own);
	mac_make((struct text){(const char *)own, MAC_SIZE}, name, out);
}

/* A name that is not there: its salt and rounds look like those of others. */
static void
pretend(const struct accounts *a, struct text name, struct account_look *out)
{
	unsigned char salt[MAC_SIZE];

	invent(a, "salt", name, salt);
	memcpy(out->salt, salt, ACCOUNT_SALT);
	out->nsalt = ACCOUNT_SALT;
	out->rounds =
	    a->n == 0 ? (unsigned)ACCOUNT_ROUNDS
		      : a->account[get_be32(salt + ACCOUNT_SALT) % a->n].rounds;
	for (unsigned i = 0; i < ACCOUNT_PASSWORDS; i++) {
		invent(a, i == 0 ? "stored" : "stored2", name,
		       out->proof[i].stored);
		invent(a, "server", name, out->proof[i].server);
	}
}

/* What an account has in place of what is invented. */
static void
take(const struct account *at, int64_t now_us, struct account_look *out)
{
	out->known = true;
	memcpy(out->salt, at->salt, sizeof out->salt);
	out->nsalt = at->nsalt;
	out->rounds = at->rounds;
	for (unsigned i = 0; i < at->npasswords; i++) {
		if (now_us > at->password[i].not_after_us)
			continue; /* the invented one stays in its place */
		out->proof[i] = at->password[i].proof;
		out->live = true;
	}
}

/* All accounts are looked at, and both what is there and what is invented is
 * made, whatever the name is: of some account, whose memory is as cold, when
 * there is none.  Who measures our time learns nothing. */
void
accounts_look(const struct accounts *a, struct text name, int64_t now_us,
	      struct account_look *out)
{
	struct text key = {(const char *)a->key, MAC_SIZE};
	struct account_look made[2] = {{.known = false}};
	unsigned char tag[MAC_SIZE];
	size_t at, known = 0;

	mac_make(key, name, tag);
	pretend(a, name, &made[0]);
	*out = made[0];
	if (a->n == 0)
		return;
	at = get_be32(tag) % a->n;
	for (size_t i = 0; i < a->n; i++) { /* without a branch */
		size_t same = mac_equal(a->account[i].tag, tag, MAC_SIZE);

		at ^= (at ^ i) & -same;
		known |= same;
	}
	made[1] = made[0];
	take(&a->account[at], now_us, &made[1]);
	*out = made[known];
}

static void
stored_of(const unsigned char client[MAC_SIZE], unsigned char out[MAC_SIZE])
{
	unsigned char hash[DIGEST_MOST];

	must(digest_of(DIGEST_SHA256, client, MAC_SIZE, hash) == MAC_SIZE);
	memcpy(out, hash, MAC_SIZE);
}

void
account_prove(struct text password, const unsigned char *salt, size_t nsalt,
	      unsigned rounds, struct account_proof *out)
{
	unsigned char salted[DIGEST_MOST], client[MAC_SIZE];
	struct text key = {(const char *)salted, MAC_SIZE};

	must(digest_pbkdf2(DIGEST_SHA256, password.p, password.n, salt, nsalt,
			   rounds, salted) == MAC_SIZE);
	mac_make(key, text_of("Client Key"), client);
	mac_make(key, text_of("Server Key"), out->server);
	stored_of(client, out->stored);
	secret_wipe(salted, sizeof salted);
	secret_wipe(client, sizeof client);
}

unsigned
account_check(const struct account_look *l, struct text password)
{
	struct account_proof p;
	unsigned at = ACCOUNT_PASSWORDS;

	account_prove(password, l->salt, l->nsalt, l->rounds, &p);
	for (unsigned i = 0; i < ACCOUNT_PASSWORDS; i++)
		at = mac_equal(p.stored, l->proof[i].stored, MAC_SIZE) ? i : at;
	secret_wipe(&p, sizeof p);
	return at;
}

unsigned
account_check_scram(const struct account_look *l, struct text message,
		    const unsigned char proof[MAC_SIZE])
{
	unsigned char client[MAC_SIZE], stored[MAC_SIZE];
	unsigned at = ACCOUNT_PASSWORDS;

	for (unsigned i = 0; i < ACCOUNT_PASSWORDS; i++) {
		mac_make(
		    (struct text){(const char *)l->proof[i].stored, MAC_SIZE},
		    message, client);
		for (size_t j = 0; j < MAC_SIZE; j++)
			client[j] ^= proof[j];
		stored_of(client, stored);
		at = mac_equal(stored, l->proof[i].stored, MAC_SIZE) ? i : at;
	}
	secret_wipe(client, sizeof client);
	return at;
}
