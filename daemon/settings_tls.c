#include "daemon/settings_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/secret.h"
#include "daemon/settings_table.h"

#define place(s, r, key)      settings_place(s, BLOCK_relay, r, key)
#define error_at(rep, p, ...) report_error(rep, (p).file, (p).line, __VA_ARGS__)
#define warning_at(rep, p, ...)                                                \
	report_warning(rep, (p).file, (p).line, __VA_ARGS__)

static bool
is_address(const char *host)
{
	char why[NET_WHY];

	return net_is_host(host, why) && !net_is_domain(host);
}

static bool
verifies(const struct relay_settings *r)
{
	return r->tls == TLS_PREFERRED_VERIFY || r->tls == TLS_REQUIRED_VERIFY;
}

/* An address is no name a certificate or a TLSA record could be for. */
static void
check_address(const struct settings *s, const struct relay_settings *r,
	      struct report *rep)
{
	if (r->deliver != DELIVER_SMTP || !is_address(r->host))
		return;
	if (verifies(r) && *r->tls_name == '\0')
		error_at(rep, place(s, r, "tls"),
			 "tls: %.64s is an address; to verify a certificate "
			 "give the host's name, or tls_name",
			 r->host);
	if (r->dane == DANE_REQUIRE)
		error_at(rep, place(s, r, "dane"),
			 "dane: %.64s is an address; TLSA records belong to "
			 "names: give the host's name",
			 r->host);
}

static void
check_modes(const struct settings *s, const struct relay_settings *r,
	    struct report *rep)
{
	char why[NET_WHY];

	if (r->tls == TLS_OFF && r->dane == DANE_REQUIRE)
		error_at(rep, place(s, r, "dane"),
			 "dane = require needs TLS; tls is off");
	if (r->tls == TLS_OFF && r->tls_start == TLS_START_IMPLICIT)
		error_at(rep, place(s, r, "tls_start"),
			 "tls_start = implicit is TLS from the first octet; "
			 "tls is off");
	else if (r->tls == TLS_OFF && r->deliver == DELIVER_SMTP &&
		 r->port == 465)
		warning_at(rep, place(s, r, "port"),
			   "port: 465 speaks TLS from the first octet; with "
			   "tls = off nobody will answer");
	if (r->tls == TLS_OFF && *r->client_cert != '\0')
		warning_at(rep, place(s, r, "client_cert"),
			   "client_cert: not used with tls = off");
	if (*r->tls_name != '\0' && !net_is_host(r->tls_name, why))
		error_at(rep, place(s, r, "tls_name"), "tls_name: '%.100s' %s",
			 r->tls_name, why);
}

static void
check_certificate(const struct settings *s, const struct relay_settings *r,
		  struct report *rep)
{
	const char *const key[] = {"ca_file", "client_cert"};
	const char *const path[] = {r->ca_file, r->client_cert};
	char why[160];

	for (size_t i = 0; i < countof(key); i++)
		if (path[i][0] != '/' && path[i][0] != '\0')
			error_at(rep, place(s, r, key[i]),
				 "%s: '%.100s' must begin with /", key[i],
				 path[i]);
	if (*r->client_cert != '\0' && *r->client_key == '\0')
		error_at(rep, place(s, r, "client_cert"),
			 "client_cert needs client_key");
	if (*r->client_key == '\0')
		return;
	if (*r->client_cert == '\0')
		error_at(rep, place(s, r, "client_key"),
			 "client_key needs client_cert");
	if (!secret_reference(r->client_key, false, why))
		error_at(rep, place(s, r, "client_key"), "client_key %s", why);
}

/* With deliver = mx hosts and names come from the recipients' domains. */
static void
check_mx(const struct settings *s, const struct relay_settings *r,
	 struct report *rep)
{
	static const char *const key[] = {"host", "port", "lookup", "tls_name"};
	const bool used[] = {*r->host != '\0', r->port != 25,
			     r->lookup != LOOKUP_AUTO, *r->tls_name != '\0'};

	for (size_t i = 0; r->deliver == DELIVER_MX && i < countof(key); i++)
		if (used[i])
			warning_at(rep, place(s, r, key[i]),
				   "%s: only used with deliver = smtp", key[i]);
}

void
settings_tls_check(const struct settings *s, const struct relay_settings *r,
		   struct report *rep)
{
	static const char *const keys[] = {"deliver", "host",      "port",
					   "tls",     "tls_start", "dane"};

	for (size_t i = 0; i < countof(keys); i++)
		if (settings_broken(s, BLOCK_relay, r, keys[i]))
			return; /* what is said about it is enough */
	check_certificate(s, r, rep);
	if (r->deliver == DELIVER_MAILDIR)
		return;
	check_address(s, r, rep);
	check_modes(s, r, rep);
	check_mx(s, r, rep);
}

static void
look_at(const struct settings *s, const struct relay_settings *r,
	const char *key, const char *path, struct report *rep)
{
	int fd;
	struct stat st;

	if (*path != '/')
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	/* Who checks the file may be somebody else than who will use it. */
	if (fd < 0 && errno == EACCES)
		warning_at(rep, place(s, r, key), "%s: %.200s: %s", key, path,
			   strerror(errno));
	else if (fd < 0 || fstat(fd, &st) != 0)
		error_at(rep, place(s, r, key), "%s: %.200s: %s", key, path,
			 strerror(errno));
	else if (!S_ISREG(st.st_mode))
		error_at(rep, place(s, r, key), "%s: %.200s is not a file", key,
			 path);
	if (fd >= 0)
		close(fd);
}

void
settings_tls_files(const struct settings *s, struct report *rep)
{
	for (size_t i = 0; i < s->nrelays; i++) {
		look_at(s, &s->relays[i], "ca_file", s->relays[i].ca_file, rep);
		look_at(s, &s->relays[i], "client_cert",
			s->relays[i].client_cert, rep);
	}
}
