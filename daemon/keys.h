/*
 * keys - every key of mtq.conf: one row each.  The reader, the checks, the
 * members of struct settings, `mtq config show`, mtq.conf(5) and etc/mtq.conf
 * come from here.  Adding a key is one row and the line that uses it.
 *
 * Row	KEY(type, name, default, least, most, "what it does")
 *	default NULL: must be given; "" of a text or list: empty.
 *	least and most are in the type's own notation, NULL: none.
 *
 * Types	text            as it stands			char *name
 *	flag            yes | no			bool name
 *	count           5000 | 20k | 2M			uint64_t name
 *	size            64mb (a unit is required)	uint64_t name_bytes
 *	duration        30s | 5min | 2h | 1d		int64_t name_us
 *	percent         85%				uint64_t name_percent
 *	words           one or a list of texts		struct texts name
 *	durations       one or a list of durations	struct durations name
 *	sockets         one or a list of ADDRESS:PORT	struct sockets name
 *	networks        one or a list of CIDR blocks	struct networks name
 *	rate            14/s | 30/min | 1000/h		struct rate name
 *	counts          { NAME = number ... }		struct counts name
 *	lists           { NAME = text or list ... }	struct lists name
 *	deliver, ...    one word of a set (ENUMS below)	enum TYPE_kind name
 */
#ifndef MTQ_KEYS_H
#define MTQ_KEYS_H

#define GLOBAL_KEYS(KEY)                                                       \
	KEY(text, instance, NULL, NULL, NULL,                                  \
	    "Name of this installation. It is written into the queue when "    \
	    "the "                                                             \
	    "queue is made; a copied state directory refuses to send.")        \
	KEY(text, hostname, NULL, NULL, NULL,                                  \
	    "Fully qualified name used in the greeting, EHLO and Received.")   \
	KEY(text, state_dir, "/var/lib/mtq", NULL, NULL,                       \
	    "Folder of the queue database, the lock and the control socket.")  \
	KEY(text, control, "", NULL, NULL,                                     \
	    "Path of the control socket; empty: control.sock in state_dir.")   \
	KEY(text, user, "", NULL, NULL,                                        \
	    "User to become after binding when started as root.")              \
	KEY(text, zone, "Etc/UTC", NULL, NULL,                                 \
	    "Time zone whose days and months quotas count by.")                \
	KEY(text, no_match, "", NULL, NULL,                                    \
	    "Relay for mail that no route claims. May be left out when there " \
	    "is exactly one relay.")                                           \
	KEY(text, accounts, "", NULL, NULL,                                    \
	    "File of the accounts that may authenticate here, as "             \
	    "file:/etc/mtq/accounts (mtq account makes it); empty: none.")     \
	KEY(words, network_sets, "[" MTQ_SYSCONFDIR "/networks]", NULL, NULL,  \
	    "Folders with sets of networks: @NAME in from_ip stands for "      \
	    "those in NAME.conf of the first folder that has it, one a line, " \
	    "with a line \"# as of DATE\".")                                   \
	KEY(text, maildrop, "", NULL, NULL,                                    \
	    "Folder where mtq send and sendmail leave mail while mtqd is not " \
	    "there; mtqd takes it in. Empty: they say so and end with 75.")    \
	KEY(count, workers, "2", "1", "32", "Delivery processes.")             \
	KEY(duration, watchdog, "10s", "1s", "10min",                          \
	    "A process that gave no sign of life for so long is killed and "   \
	    "started again.")                                                  \
	KEY(duration, stop_within, "30s", "1s", "1h",                          \
	    "How long each stage of an orderly stop may take.")

#define QUEUE_KEYS(KEY)                                                        \
	KEY(size, map_size, "16gb", "1mb", "16tb",                             \
	    "Largest size the queue file may grow to.")                        \
	KEY(percent, high_water, "85%", "10%", "95%",                          \
	    "New mail gets 452 4.3.1 while more of the map is in use.")        \
	KEY(size, min_free, "64mb", "0mb", "1tb",                              \
	    "New mail gets 452 4.3.1 while the disk has less room.")

#define DNS_KEYS(KEY)                                                          \
	KEY(words, trust_anchor, "", NULL, NULL,                               \
	    "Files with DNSSEC trust anchors; empty: Debian's dns-root-data.") \
	KEY(words, forward, "", NULL, NULL,                                    \
	    "Resolvers to ask, ADDRESS or ADDRESS@PORT; empty: those of "      \
	    "/etc/resolv.conf.")

#define LISTEN_KEYS(KEY)                                                       \
	KEY(sockets, address, NULL, NULL, NULL,                                \
	    "Addresses to listen on, as 192.0.2.1:25 or [2001:db8::1]:25.")    \
	KEY(size, max_message_size, "50mb", "1kb", "1gb",                      \
	    "Announced as SIZE; a larger message gets 552 5.3.4.")             \
	KEY(count, max_recipients, "1000", "100", "50k",                       \
	    "Recipients of one transaction; the next gets 452 4.5.3.")         \
	KEY(count, max_line, "998", "998", "64k",                              \
	    "Octets of a text line without CRLF; longer gets 550 5.6.0.")      \
	KEY(count, max_received, "50", "1", "1000",                            \
	    "Received fields a message may carry; more gets 554 5.4.6.")       \
	KEY(count, max_errors, "20", "1", "1000",                              \
	    "Refused commands of one session; then 421 4.7.0.")                \
	KEY(count, max_idle_commands, "100", "10", "100k",                     \
	    "NOOP, RSET, VRFY and EHLO between two messages; then 421 4.7.0.") \
	KEY(duration, command_timeout, "5min", "1s", "1h",                     \
	    "To send one whole command, or read our reply; then 421 4.4.2.")   \
	KEY(duration, data_timeout, "10min", "1s", "4h",                       \
	    "To send one whole message, plus max_message_size at 10 kB/s; "    \
	    "then 421 4.4.2.")                                                 \
	KEY(count, max_connections, "500", "1", "50k",                         \
	    "Sessions of this listener; the next gets 421 4.7.0.")             \
	KEY(count, max_connections_per_address, "50", "1", "50k",              \
	    "Sessions of one client address (IPv6: its /64); then 421 4.7.0.") \
	KEY(listen_tls, tls, "off", NULL, NULL,                                \
	    "optional: STARTTLS is offered; required: without it no mail is "  \
	    "taken; implicit: TLS from the first octet (port 465).")           \
	KEY(words, certificate, "", NULL, NULL,                                \
	    "Blocks tls whose certificate the client gets that asks for one "  \
	    "of its names (SNI); the first for all others. Empty: the only "   \
	    "block tls.")                                                      \
	KEY(client_cert, client_cert, "off", NULL, NULL,                       \
	    "log: a client may show a certificate; require: without a valid "  \
	    "one no mail is taken.")                                           \
	KEY(text, client_ca, "", NULL, NULL,                                   \
	    "CA certificates (PEM) for those of clients; empty: the "          \
	    "system's.")                                                       \
	KEY(duration, tls_timeout, "30s", "1s", "10min",                       \
	    "For the TLS handshake; then the connection is closed.")           \
	KEY(words, mechanism,                                                  \
	    "[PLAIN, LOGIN, SCRAM-SHA-256, "                                   \
	    "SCRAM-SHA-256-PLUS]",                                             \
	    NULL, NULL,                                                        \
	    "AUTH mechanisms, offered inside TLS when there are accounts.")    \
	KEY(flag, insecure_auth, "no", NULL, NULL,                             \
	    "yes: AUTH is offered without TLS too, to loopback clients only.")

#define TLS_KEYS(KEY)                                                          \
	KEY(text, cert, NULL, NULL, NULL,                                      \
	    "Our certificate chain (PEM), as file:/etc/mtq/fullchain.pem.")    \
	KEY(text, key, NULL, NULL, NULL,                                       \
	    "Its private key: a secret, as file:/etc/mtq/key.pem.")

#define GUARD_KEYS(KEY)                                                        \
	KEY(count, auth_failures_per_session, "3", "1", "100",                 \
	    "Failed AUTH of one session; then 421 4.7.0.")                     \
	KEY(rate, auth_failures_per_address, "20/h", NULL, NULL,               \
	    "Failed AUTH from one address (IPv6: its /64) in a second, "       \
	    "minute or hour; then 454 4.7.0 without a look.")                  \
	KEY(rate, auth_failures_per_account, "100/h", NULL, NULL,              \
	    "Failed AUTH as one account, from addresses that never did it "    \
	    "right; then these get 454 4.7.0 without a look.")                 \
	KEY(percent, shed_at, "80%", "10%", "100%",                            \
	    "When so much of what is allowed is in use (sessions, memory, "    \
	    "the queue up to high_water), mail of the types with the "         \
	    "smallest weight gets 451 4.3.2.")                                 \
	KEY(size, memory, "256mb", "8mb", "64gb",                              \
	    "Memory of all sessions; when it is in use, MAIL and RCPT get "    \
	    "452 4.3.1 and new connections 421 4.3.2.")

#define SOURCE_KEYS(KEY)                                                       \
	KEY(profile, profile, "none", NULL, NULL,                              \
	    "Which CRM it is: keys that are not given here get its values "    \
	    "(docs/salesforce.md, docs/zoho.md).")                             \
	KEY(networks, from_ip, "", NULL, NULL,                                 \
	    "Client networks that may hand us mail, as 192.0.2.0/24, and "     \
	    "sets of them, as @salesforce.")                                   \
	KEY(words, auth_user, "", NULL, NULL,                                  \
	    "Only clients that have authenticated as one of these accounts.")  \
	KEY(words, client_cert, "", NULL, NULL,                                \
	    "Only clients with a valid certificate for one of these names, "   \
	    "as *.salesforce.com.")                                            \
	KEY(flag, require_tls, "no", NULL, NULL, "yes: no mail without TLS.")  \
	KEY(lists, require_header, "", NULL, NULL,                             \
	    "Header fields a message must have, each with one of its values "  \
	    "(X-SFDC-LK: its first 15 characters count); else 550 5.7.1.")     \
	KEY(words, allow_from, "", NULL, NULL,                                 \
	    "Domains that the envelope sender and header From must be in: a "  \
	    "domain, or *.domain for its subdomains; empty: all.")             \
	KEY(words, allow_bounce_domains, "", NULL, NULL,                       \
	    "Further domains for the envelope sender alone, as "               \
	    "*.bnc.salesforce.com.")                                           \
	KEY(dkim_gate, dkim, "off", NULL, NULL,                                \
	    "require: a message needs a valid DKIM signature of header "       \
	    "From's domain, else 550 5.7.20; log: it is only noted.")          \
	KEY(words, type, "", NULL, NULL,                                       \
	    "Mail of other types gets 550 5.7.1; empty: all types.")           \
	KEY(words, sandbox_org, "", NULL, NULL,                                \
	    "Values of X-SFDC-LK that are those of a sandbox.")                \
	KEY(text, sandbox_relay, "", NULL, NULL,                               \
	    "Relay for mail of a CRM's sandbox (X-SFDC-App: coreapp-sandbox, " \
	    "or an org of sandbox_org), which then goes nowhere else; empty: " \
	    "such mail gets 550 5.7.1.")                                       \
	KEY(words, listener, "", NULL, NULL,                                   \
	    "Only on these listeners; empty: on all.")                         \
	KEY(authority, bounce_authority, "mtq", NULL, NULL,                    \
	    "Who tells senders of failures: mtq sends reports; crm: the CRM "  \
	    "does so itself.")

#define TYPE_KEYS(KEY)                                                         \
	KEY(count, weight, "1", "1", "1000",                                   \
	    "Share of a busy relay, compared with the other types' weights.")  \
	KEY(duration, lifetime, "0s", "0s", "30d",                             \
	    "Attempts end this long after the message was accepted; 0s: the "  \
	    "lifetime of the retry schedule.")                                 \
	KEY(text, retry, "normal", NULL, NULL, "Schedule of attempts.")        \
	KEY(flag, dsn, "yes", NULL, NULL,                                      \
	    "no: senders of this type are not told of failures.")              \
	KEY(in_doubt, in_doubt, "resend", NULL, NULL,                          \
	    "When the reply to the final dot is lost. resend: sent again, "    \
	    "perhaps twice; hold: kept back for a person; assume-sent: taken " \
	    "as delivered.")

#define BOUNCE_KEYS(KEY)                                                       \
	KEY(flag, enabled, "yes", NULL, NULL,                                  \
	    "no: nobody is told that mail has failed.")                        \
	KEY(size, max_original, "50kb", "1kb", "10mb",                         \
	    "A larger message is returned as its header only.")                \
	KEY(text, postmaster, "", NULL, NULL,                                  \
	    "Address that is told of reports that can't be delivered; empty: " \
	    "nobody is.")                                                      \
	KEY(duration, delay_after, "4h", "0s", "30d",                          \
	    "A sender is told once that mail waits, when it is as old as "     \
	    "this; 0s: never.")                                                \
	KEY(rate, delays_per_sender, "6/h", NULL, NULL,                        \
	    "Reports about delays to one sender in a second, minute or hour; " \
	    "those above it are not sent, but recorded.")                      \
	KEY(rate, rate_per_sender, "", NULL, NULL,                             \
	    "Reports to one sender in a second, minute or hour (100/h); "      \
	    "those "                                                           \
	    "above it are not sent, but recorded; empty: no limit.")           \
	KEY(duration, keep_failed, "5d", "1min", "365d",                       \
	    "How long recipients that failed stay in the queue to be looked "  \
	    "at.")

#define HISTORY_KEYS(KEY)                                                      \
	KEY(duration, keep, "30d", "1min", "3650d",                            \
	    "How long it is known what became of mail.")                       \
	KEY(size, max_size, "1gb", "1mb", "1tb",                               \
	    "What is known takes no more room than this, nor than half "       \
	    "of what high_water leaves of map_size; then the oldest "          \
	    "goes.")

#define RETURNS_KEYS(KEY)                                                      \
	KEY(text, domain, "", NULL, NULL,                                      \
	    "Our domain for mail that comes back (its MX is this host): the "  \
	    "addresses of return_path = verp are in it. Every client may "     \
	    "send there. Empty: none.")                                        \
	KEY(words, listener, "", NULL, NULL,                                   \
	    "Listeners where clients that no source names may connect to "     \
	    "send there; empty: all.")                                         \
	KEY(duration, expires, "30d", "1d", "365d",                            \
	    "How long such an address takes mail.")                            \
	KEY(text, forward, "", NULL, NULL,                                     \
	    "Address that gets what comes back and is no report, as a reply "  \
	    "by a person; empty: it is dropped, and logged.")

#define REPLY_KEYS(KEY)                                                        \
	KEY(count, priority, NULL, "1", "1M",                                  \
	    "The matching block with the smallest number decides. Unique.")    \
	KEY(words, match, NULL, NULL, NULL,                                    \
	    "Replies, as a code and words with *: \"550 5.7.1 *spam*\".")      \
	KEY(words, relay, "", NULL, NULL,                                      \
	    "Only from these relays; empty: from all.")                        \
	KEY(category, category, "none", NULL, NULL,                            \
	    "Why, for people; none: as it is without this block.")             \
	KEY(then, then, "as-is", NULL, NULL,                                   \
	    "retry: such mail is tried again; fail: it is given up.")

#define SUPPRESS_KEYS(KEY)                                                     \
	KEY(at_rcpt, at_rcpt, "accept", NULL, NULL,                            \
	    "Mail to an address on the suppression list. accept: it is taken " \
	    "and fails with a report before its first attempt; refuse: RCPT "  \
	    "gets 550 5.7.1.")                                                 \
	KEY(count, hard_bounce_after, "1", "0", "1k",                          \
	    "So many replies that an address does not exist put it on the "    \
	    "list; 0: none does.")                                             \
	KEY(duration, hard_bounce_ttl, "90d", "1min", "3650d",                 \
	    "How long it stays there, from the last such reply.")              \
	KEY(flag, complaint, "yes", NULL, NULL,                                \
	    "yes: who complains (an ARF report) gets no more mail.")           \
	KEY(duration, complaint_ttl, "3650d", "1min", "3650d",                 \
	    "How long not, from the last complaint.")

#define CLASSIFY_KEYS(KEY)                                                     \
	KEY(count, priority, NULL, "1", "1M",                                  \
	    "The matching rule with the smallest number decides. Unique.")     \
	KEY(text, type, "", NULL, NULL,                                        \
	    "The type of messages that match; or leave it out and use "        \
	    "by_header.")                                                      \
	KEY(text, by_header, "", NULL, NULL,                                   \
	    "Header field that names the type, through map or as it stands. "  \
	    "A value that names none does not match.")                         \
	KEY(lists, map, "", NULL, NULL,                                        \
	    "For by_header: value of the field = type.")                       \
	KEY(lists, header, "", NULL, NULL,                                     \
	    "Header fields a message must have, each with one of its values; " \
	    "\"*\" is any value. Letter case does not count.")                 \
	KEY(words, source, "", NULL, NULL, "Only from these sources.")         \
	KEY(words, auth_user, "", NULL, NULL, "Only from these accounts.")     \
	KEY(words, listener, "", NULL, NULL, "Only from these listeners.")     \
	KEY(words, sender, "", NULL, NULL,                                     \
	    "Only from these senders: an address, a domain, or *.domain for "  \
	    "its subdomains. Compared with header From; without one with the " \
	    "envelope sender.")                                                \
	KEY(size, larger_than, "0kb", "0kb", "1gb",                            \
	    "Only messages above this size.")

#define QUOTA_KEYS(KEY)                                                        \
	KEY(count, limit, NULL, "0", "1000G",                                  \
	    "How much may leave in one window; 0 closes it.")                  \
	KEY(unit, unit, "recipients", NULL, NULL, "What is counted.")          \
	KEY(window, window, "day", NULL, NULL,                                 \
	    "day and month begin at midnight in the zone; rolling: at any "    \
	    "moment the last period counts.")                                  \
	KEY(text, zone, "", NULL, NULL,                                        \
	    "Time zone of day and month; empty: the zone outside of blocks.")  \
	KEY(duration, period, "24h", "1min", "31d",                            \
	    "Length of a rolling window, in whole minutes.")                   \
	KEY(counts, cap, "", NULL, NULL,                                       \
	    "The most of a type, within the limit.")                           \
	KEY(counts, reserve, "", NULL, NULL,                                   \
	    "What is kept free for a type until the window ends.")             \
	KEY(percent, release, "25%", "0%", "100%",                             \
	    "In this last share of a day or month reserves shrink evenly to "  \
	    "nothing.")                                                        \
	KEY(flag, spread, "no", NULL, NULL,                                    \
	    "Let the limit free evenly over a day or month, in 96 steps.")     \
	KEY(lists, ramp, "", NULL, NULL,                                       \
	    "Warm-up: { from = 500  to = 50k  over = 30d  start = 2026-11-01 " \
	    "}: the limit grows evenly, day by day, from and to included.")

#define ROUTE_KEYS(KEY)                                                        \
	KEY(count, priority, NULL, "1", "1M",                                  \
	    "The matching route with the smallest number decides. Unique.")    \
	KEY(words, from, "", NULL, NULL,                                       \
	    "Sender domains (header From; without one the envelope sender): "  \
	    "a domain, *.domain for its subdomains only; empty or \"*\": "     \
	    "all.")                                                            \
	KEY(words, to, "", NULL, NULL, "Recipient domains, as in from.")       \
	KEY(words, source, "", NULL, NULL, "Only from these sources.")         \
	KEY(words, type, "", NULL, NULL, "Only mail of these types.")          \
	KEY(flag, enabled, "yes", NULL, NULL, "no: as if it were not there.")  \
	KEY(lists, via, NULL, NULL, NULL,                                      \
	    "Relays in the order they are tried: { TYPE = [relay, relay] }, "  \
	    "\"*\" for all other types; or one list for every type. Mail of "  \
	    "a "                                                               \
	    "type that is not listed goes to no_match.")                       \
	KEY(text, on_exhausted, "wait", NULL, NULL,                            \
	    "When every relay of the list is spent, closed or paused: wait, "  \
	    "bounce, crm (the relay with role = crm) or the name of one.")     \
	KEY(text, on_unreachable, "next", NULL, NULL,                          \
	    "When a relay of the list can't be reached: next (the list goes "  \
	    "on), wait, bounce, crm or the name of a relay with role = crm.")

#define EXPECT_KEYS(KEY)                                                       \
	KEY(text, from, "", NULL, NULL, "Sender address (header From).")       \
	KEY(text, to, NULL, NULL, NULL, "Recipient address.")                  \
	KEY(text, type, "", NULL, NULL, "Mail type; empty: every type.")       \
	KEY(text, source, "", NULL, NULL, "Source; empty: any.")               \
	KEY(text, relay, "", NULL, NULL,                                       \
	    "The relay that is first in line for this mail.")                  \
	KEY(text, route, "", NULL, NULL, "The route that decides.")

#define RELAY_KEYS(KEY)                                                        \
	KEY(flag, enabled, "yes", NULL, NULL,                                  \
	    "no: the relay is kept here and takes no mail.")                   \
	KEY(duty, role, "relay", NULL, NULL,                                   \
	    "crm: the CRM's own server, where routes fall back to.")           \
	KEY(words, quota, "", NULL, NULL,                                      \
	    "Quotas that each message is charged to, all or none.")            \
	KEY(rate, rate, "", NULL, NULL,                                        \
	    "Recipients in any second (14/s), minute (30/min) or hour "        \
	    "(1000/h), over all workers; empty: as fast as it goes.")          \
	KEY(provider, provider, "none", NULL, NULL,                            \
	    "Whose relay this is: keys that are not given here get its "       \
	    "values "                                                          \
	    "(docs/providers.md), and its quota and rate replies are known. "  \
	    "exchange: only the replies of m365.")                             \
	KEY(words, quota_replies, "", NULL, NULL,                              \
	    "Further replies that mean \"limit reached\": code, then words "   \
	    "with *, as \"550 *daily limit*\".")                               \
	KEY(words, rate_replies, "", NULL, NULL,                               \
	    "Further replies that mean \"too fast\".")                         \
	KEY(deliver, deliver, "smtp", NULL, NULL,                              \
	    "How mail leaves: by SMTP to a host, by SMTP to the mail "         \
	    "exchangers of each recipient's domain, or into a Maildir.")       \
	KEY(text, host, "", NULL, NULL,                                        \
	    "Relay host: a name, an IPv4 address or an IPv6 address in "       \
	    "brackets.")                                                       \
	KEY(count, port, "25", "1", "65535", "TCP port.")                      \
	KEY(lookup, lookup, "auto", NULL, NULL,                                \
	    "auto: MX first, then A and AAAA; mx: MX only; host: addresses "   \
	    "only.")                                                           \
	KEY(flag, strict_cname, "no", NULL, NULL,                              \
	    "yes: a host whose name is an alias (CNAME) is not used.")         \
	KEY(flag, allow_private, "no", NULL, NULL,                             \
	    "For deliver = mx: yes: also to private, loopback and other "      \
	    "addresses that are not of the public Internet.")                  \
	KEY(count, connections_per_host, "5", "1", "5k",                       \
	    "For deliver = mx: connections of a worker to one mail host.")     \
	KEY(rate, rate_per_domain, "", NULL, NULL,                             \
	    "For deliver = mx: recipients of one domain in a second (2/s), "   \
	    "minute or hour, evenly spaced; empty: as fast as it goes.")       \
	KEY(tls, tls, "preferred", NULL, NULL,                                 \
	    "preferred and required check no certificate; -verify: a known "   \
	    "CA must have signed it for the host's name. preferred: without "  \
	    "TLS if the host offers none.")                                    \
	KEY(tls_start, tls_start, "auto", NULL, NULL,                          \
	    "auto: implicit TLS on port 465, elsewhere STARTTLS.")             \
	KEY(text, tls_name, "", NULL, NULL,                                    \
	    "Name the certificate must be for; empty: host, or the mail "      \
	    "exchanger of the connection.")                                    \
	KEY(flag, allow_cn, "no", NULL, NULL,                                  \
	    "yes: the subject's common name counts when a certificate has no " \
	    "alternative names.")                                              \
	KEY(text, ca_file, "", NULL, NULL,                                     \
	    "CA certificates (PEM) that are trusted instead of the system's.") \
	KEY(text, client_cert, "", NULL, NULL,                                 \
	    "Our certificate chain (PEM) for the host to check.")              \
	KEY(text, client_key, "", NULL, NULL,                                  \
	    "Its private key: a secret, as file:/etc/mtq/key.pem.")            \
	KEY(dane, dane, "yes", NULL, NULL,                                     \
	    "yes: TLSA records decide where DNSSEC proves them (RFC 7672); "   \
	    "require: without them no mail leaves this way.")                  \
	KEY(lists, auth, "", NULL, NULL,                                       \
	    "Who we are there: { user = crm  password = file:/etc/mtq/secret " \
	    " mechanism = [PLAIN, LOGIN] }; two passwords during a rotation; " \
	    "token = cmd:/path for OAuth; enabled = no keeps it unused. It "   \
	    "needs tls = required-verify or dane = require.")                  \
	KEY(flag, insecure_auth, "no", NULL, NULL,                             \
	    "yes: authenticate also where TLS is not verified.")               \
	KEY(text, return_path, "keep", NULL, NULL,                             \
	    "Envelope sender: keep: as the client gave it; from: the address " \
	    "in header From; an address: that one; verp: one of ours for "     \
	    "each recipient, in the domain of the block returns.")             \
	KEY(text, dir, "", NULL, NULL, "Maildir to deliver into.")             \
	KEY(count, connections, "20", "1", "5k",                               \
	    "Connections to this relay over all workers.")                     \
	KEY(count, messages_per_connection, "100", "1", "1M",                  \
	    "Messages sent over one connection before it is closed.")          \
	KEY(count, recipients_per_message, "100", "1", "1k",                   \
	    "Recipients in one transaction.")                                  \
	KEY(duration, connect_timeout, "30s", "1s", "10min",                   \
	    "To connect to one address.")                                      \
	KEY(duration, tls_timeout, "1min", "1s", "10min",                      \
	    "For the TLS handshake.")                                          \
	KEY(duration, command_timeout, "5min", "1s", "1h",                     \
	    "For the greeting and each reply (RFC 5321 4.5.3.2).")             \
	KEY(duration, data_timeout, "10min", "1s", "4h",                       \
	    "For the reply to the final dot and each block of the message.")   \
	KEY(duration, idle_timeout, "5s", "1s", "10min",                       \
	    "An unused connection is closed after this time.")                 \
	KEY(count, breaker_failures, "1", "1", "1k",                           \
	    "So many failures to reach the relay within breaker_within take "  \
	    "it out of service.")                                              \
	KEY(duration, breaker_within, "1min", "1s", "1d",                      \
	    "See breaker_failures.")                                           \
	KEY(duration, breaker_open_for, "1min", "1s", "1d",                    \
	    "A relay out of service is tried again after 1 s, then 2, 4 ... "  \
	    "up to this time, by one message.")

#define DKIM_KEYS(KEY)                                                         \
	KEY(text, domain, "", NULL, NULL,                                      \
	    "Domain that signs mail whose header From is in it (d=); empty: "  \
	    "the block's name.")                                               \
	KEY(text, selector, NULL, NULL, NULL,                                  \
	    "Its key is published at SELECTOR._domainkey.DOMAIN (s=).")        \
	KEY(text, key, NULL, NULL, NULL,                                       \
	    "RSA or Ed25519 private key: a secret, as "                        \
	    "file:/etc/mtq/dkim.pem.")                                         \
	KEY(sign_when, when, "missing", NULL, NULL,                            \
	    "missing: only mail without a DKIM signature of this domain; "     \
	    "always: all.")                                                    \
	KEY(text, from, "", NULL, NULL,                                        \
	    "Day from which this selector signs, as 2026-12-01; empty: at "    \
	    "once.")                                                           \
	KEY(text, until, "", NULL, NULL,                                       \
	    "Day from which it signs no more; empty: never.")

#define ARCHIVE_KEYS(KEY)                                                      \
	KEY(text, to, NULL, NULL, NULL,                                        \
	    "Where a copy of each message goes when it has ended, with its "   \
	    "outcome: maildir:/folder, or an address.")                        \
	KEY(words, type, "", NULL, NULL, "Only mail of these types.")          \
	KEY(words, source, "", NULL, NULL, "Only from these sources.")

#define RETRY_KEYS(KEY)                                                        \
	KEY(durations, intervals, "[1min, 5min, 15min, 30min, 1h, 2h]", "1s",  \
	    "1d",                                                              \
	    "Waiting time after each failed attempt; the last one repeats.")   \
	KEY(percent, jitter, "10%", "0%", "50%",                               \
	    "Each waiting time is longer or shorter by up to this share.")     \
	KEY(duration, lifetime, "5d", "1s", "30d",                             \
	    "Attempts end this long after the message was accepted.")

/*	block	titled	keys	 what it is
 * titled: 0 one block without a name, 1 many with names, 2 many without. */
#define BLOCKS(B)                                                              \
	B(queue, 0, QUEUE_KEYS, "The queue database.")                         \
	B(bounce, 0, BOUNCE_KEYS, "Who is told that mail has failed.")         \
	B(suppress, 0, SUPPRESS_KEYS, "Addresses that get no mail.")           \
	B(history, 0, HISTORY_KEYS, "What is known of mail that has gone.")    \
	B(returns, 0, RETURNS_KEYS, "Mail that comes back.")                   \
	B(dns, 0, DNS_KEYS, "How names are looked up.")                        \
	B(guard, 0, GUARD_KEYS, "What strangers and floods may cost.")         \
	B(tls, 1, TLS_KEYS, "A certificate of ours, for listeners.")           \
	B(listen, 1, LISTEN_KEYS, "A set of addresses where mail comes in.")   \
	B(source, 1, SOURCE_KEYS, "Who may hand us mail.")                     \
	B(type, 1, TYPE_KEYS,                                                  \
	  "A mail type. Without any there are individual (weight 6), "         \
	  "workflow (3) and mass (1).")                                        \
	B(classify, 2, CLASSIFY_KEYS,                                          \
	  "A rule that gives a message its type. All conditions must hold; "   \
	  "a rule without conditions takes all mail. Mail that no rule "       \
	  "takes is individual.")                                              \
	B(quota, 1, QUOTA_KEYS, "How much may leave, by whose calendar.")      \
	B(relay, 1, RELAY_KEYS, "A way out.")                                  \
	B(route, 1, ROUTE_KEYS,                                                \
	  "Which relays carry which mail; decided when it is about to go.")    \
	B(expect, 1, EXPECT_KEYS,                                              \
	  "A test of this file: what must be true of such mail, or the file "  \
	  "is refused.")                                                       \
	B(reply, 1, REPLY_KEYS,                                                \
	  "What replies mean, where mtq would not know.")                      \
	B(dkim, 1, DKIM_KEYS, "A key that signs mail on its way out.")         \
	B(archive, 1, ARCHIVE_KEYS, "Copies of what was sent.")                \
	B(retry, 1, RETRY_KEYS,                                                \
	  "A schedule of attempts. Types use \"normal\" unless they name "     \
	  "another.")

/* Words of a set: type, its words. */
#define DELIVER_WORDS(W) W(SMTP, "smtp") W(MX, "mx") W(MAILDIR, "maildir")
#define TLS_WORDS(W)                                                           \
	W(OFF, "off")                                                          \
	W(PREFERRED, "preferred")                                              \
	W(REQUIRED, "required")                                                \
	W(PREFERRED_VERIFY, "preferred-verify")                                \
	W(REQUIRED_VERIFY, "required-verify")
#define TLS_START_WORDS(W)                                                     \
	W(AUTO, "auto") W(STARTTLS, "starttls") W(IMPLICIT, "implicit")
#define DANE_WORDS(W)   W(NO, "no") W(YES, "yes") W(REQUIRE, "require")
#define LOOKUP_WORDS(W) W(AUTO, "auto") W(MX, "mx") W(HOST, "host")
#define UNIT_WORDS(W)                                                          \
	W(RECIPIENTS, "recipients") W(MESSAGES, "messages") W(BYTES, "bytes")
#define WINDOW_WORDS(W) W(DAY, "day") W(MONTH, "month") W(ROLLING, "rolling")
#define DUTY_WORDS(W)   W(RELAY, "relay") W(CRM, "crm")
#define PROVIDER_WORDS(W)                                                      \
	W(NONE, "none")                                                        \
	W(M365, "m365")                                                        \
	W(GOOGLE, "google")                                                    \
	W(SES, "ses")                                                          \
	W(SENDGRID, "sendgrid")                                                \
	W(MAILGUN, "mailgun")                                                  \
	W(POSTMARK, "postmark")                                                \
	W(EXCHANGE, "exchange")
#define LISTEN_TLS_WORDS(W)                                                    \
	W(OFF, "off")                                                          \
	W(OPTIONAL, "optional")                                                \
	W(REQUIRED, "required")                                                \
	W(IMPLICIT, "implicit")
#define CLIENT_CERT_WORDS(W) W(OFF, "off") W(LOG, "log") W(REQUIRE, "require")
#define DKIM_GATE_WORDS(W)   W(OFF, "off") W(LOG, "log") W(REQUIRE, "require")
#define PROFILE_WORDS(W)                                                       \
	W(NONE, "none") W(SALESFORCE, "salesforce") W(ZOHO, "zoho")
#define SIGN_WHEN_WORDS(W) W(MISSING, "missing") W(ALWAYS, "always")
#define AUTHORITY_WORDS(W) W(MTQ, "mtq") W(CRM, "crm")
#define AT_RCPT_WORDS(W)   W(ACCEPT, "accept") W(REFUSE, "refuse")
#define IN_DOUBT_WORDS(W)                                                      \
	W(RESEND, "resend") W(HOLD, "hold") W(ASSUME_SENT, "assume-sent")
#define THEN_WORDS(W) W(AS_IS, "as-is") W(RETRY, "retry") W(FAIL, "fail")
/* Why mail fails or waits (queue/category.h). */
#define CATEGORY_WORDS(W)                                                      \
	W(NONE, "none")                                                        \
	W(BAD_ADDRESS, "bad-address")                                          \
	W(MAILBOX_FULL, "mailbox-full")                                        \
	W(BLOCKED, "blocked")                                                  \
	W(POLICY, "policy")                                                    \
	W(QUOTA, "quota")                                                      \
	W(CONTENT, "content")                                                  \
	W(NETWORK, "network")                                                  \
	W(AUTHENTICATION, "authentication")                                    \
	W(EXPIRED, "expired")                                                  \
	W(SUPPRESSED, "suppressed")                                            \
	W(SYSTEM, "system")                                                    \
	W(OTHER, "other")
#define ENUMS(E)                                                               \
	E(deliver, DELIVER, DELIVER_WORDS)                                     \
	E(lookup, LOOKUP, LOOKUP_WORDS)                                        \
	E(tls, TLS, TLS_WORDS)                                                 \
	E(tls_start, TLS_START, TLS_START_WORDS)                               \
	E(dane, DANE, DANE_WORDS)                                              \
	E(authority, AUTHORITY, AUTHORITY_WORDS)                               \
	E(at_rcpt, AT_RCPT, AT_RCPT_WORDS)                                     \
	E(in_doubt, IN_DOUBT, IN_DOUBT_WORDS)                                  \
	E(then, THEN, THEN_WORDS)                                              \
	E(category, CATEGORY, CATEGORY_WORDS)                                  \
	E(unit, UNIT, UNIT_WORDS)                                              \
	E(window, WINDOW, WINDOW_WORDS)                                        \
	E(duty, DUTY, DUTY_WORDS)                                              \
	E(listen_tls, LISTEN_TLS, LISTEN_TLS_WORDS)                            \
	E(client_cert, CLIENT_CERT, CLIENT_CERT_WORDS)                         \
	E(dkim_gate, DKIM_GATE, DKIM_GATE_WORDS)                               \
	E(profile, PROFILE, PROFILE_WORDS)                                     \
	E(sign_when, SIGN_WHEN, SIGN_WHEN_WORDS)                               \
	E(provider, PROVIDER, PROVIDER_WORDS)

#endif
