/*
 * category_rows - the table of queue/category_table.c.
 *
 * Source   RFC 3463, 5248, 7372, 7504, 7505; the providers' own pages on their
 *          replies (Google 3726730, Microsoft 5.7.x, Yahoo error codes).
 */
#ifndef MTQ_CATEGORY_ROWS_H
#define MTQ_CATEGORY_ROWS_H

/* The first row that fits decides.  Status: "x" is any class, "x.7" any code
 * of that subject, "" any status or none.  Words as in a pattern, the first
 * part of two letters or more. */
#define CATEGORY_ROWS(R)                                                       \
	R("", "duplicate header", CONTENT)                                     \
	/* Who we are, proven badly. */                                        \
	R("", "dmarc", AUTHENTICATION)                                         \
	R("", "dkim", AUTHENTICATION)                                          \
	R("", "spf fail", AUTHENTICATION)                                      \
	R("", "spf hard", AUTHENTICATION)                                      \
	R("", "spf soft", AUTHENTICATION)                                      \
	R("", "spf check", AUTHENTICATION)                                     \
	R("", "spf record", AUTHENTICATION)                                    \
	R("", "spf valid", AUTHENTICATION)                                     \
	R("", "spf policy", AUTHENTICATION)                                    \
	R("", "spf did", AUTHENTICATION)                                       \
	R("", "spf pass", AUTHENTICATION)                                      \
	R("", "by spf", AUTHENTICATION)                                        \
	R("", "failed spf", AUTHENTICATION)                                    \
	R("", "spf [", AUTHENTICATION)                                         \
	R("", "spf:", AUTHENTICATION)                                          \
	R("", "spf)", AUTHENTICATION)                                          \
	R("", "(spf", AUTHENTICATION)                                          \
	R("", "openspf", AUTHENTICATION)                                       \
	R("", "sender policy framework", AUTHENTICATION)                       \
	R("", "spf auth", AUTHENTICATION)                                      \
	/* Limits: of the provider, of the recipient, of connections. */       \
	R("", "rate limit*reputation", BLOCKED)       /* Outlook RP-001 */     \
	R("", "unusual rate of unsolicited", BLOCKED) /* Gmail */              \
	R("", "receiving mail at a rate", QUOTA)                               \
	R("", "receiving mail too quickly", QUOTA)                             \
	R("", "per hour limit", QUOTA) /* Exchange 5.2.121 */                  \
	R("", "submission quota", QUOTA)                                       \
	R("", "submissionquota", QUOTA)                                        \
	R("", "sending quota", QUOTA)                                          \
	R("", "message quota", QUOTA)                                          \
	R("", "quota for sending", QUOTA)                                      \
	R("", "sending limit", QUOTA)                                          \
	R("", "outmail quota", QUOTA)                                          \
	R("", "daily*limit", QUOTA)                                            \
	R("", "daily*quota", QUOTA)                                            \
	R("", "relay limit", QUOTA)                                            \
	R("", "maximum credits", QUOTA)                                        \
	R("", "over limit", QUOTA)                                             \
	R("", "rate limit", QUOTA)                                             \
	R("", "frequency limited", QUOTA) /* QQ */                             \
	R("", "ratelimit", QUOTA)                                              \
	R("", "rate-limit", QUOTA)                                             \
	R("", "throttl", QUOTA)                                                \
	R("", "maximum sending rate", QUOTA)                                   \
	R("", "per hour", QUOTA)                               /* cPanel's */  \
	R("", "too many messages on the server", MAILBOX_FULL) /* web.de */    \
	R("", "too many messages", QUOTA)                                      \
	R("", "too many mails", QUOTA)                                         \
	R("", "too many emails", QUOTA)                                        \
	R("", "too many connections", QUOTA)                                   \
	R("", "too many concurrent", QUOTA)                                    \
	R("", "too many sessions", QUOTA)                                      \
	R("", "too many recipients", QUOTA)                                    \
	R("", "connections limit", QUOTA)                                      \
	R("", "connection limit", QUOTA)                                       \
	R("", "thread limit", QUOTA)                                           \
	R("", "number of allowed outgoing", QUOTA)                             \
	R("x.7.232", "", QUOTA)                                                \
	R("x.7.233", "", QUOTA)                                                \
	/* Links in the text, before the lists of hosts. */                    \
	R("", "surbl", CONTENT)                                                \
	R("", "uribl", CONTENT)                                                \
	/* More of it (RFC 7372), and credentials. */                          \
	R("", "unauthenticated", AUTHENTICATION)                               \
	R("", "reverse dns", AUTHENTICATION)                                   \
	R("", "reverse hostname", AUTHENTICATION)                              \
	R("", "rdns", AUTHENTICATION)                                          \
	R("", "ip name lookup", AUTHENTICATION)                                \
	R("", "unverifyable sending", AUTHENTICATION)                          \
	R("", "mismatches client ip", AUTHENTICATION)                          \
	R("", "ptr record", AUTHENTICATION)                                    \
	R("", "no ptr", AUTHENTICATION)                                        \
	R("", "cannot find your hostname", AUTHENTICATION)                     \
	R("", "authentication level", AUTHENTICATION) /* 5.7.515 */            \
	R("", "senderNotAuthenticatedForGroup", POLICY)                        \
	R("", "authentication checks", AUTHENTICATION)                         \
	R("", "authentication required", AUTHENTICATION)                       \
	R("", "authentication unsuccessful", AUTHENTICATION)                   \
	R("", "authentication failed", AUTHENTICATION)                         \
	R("", "authentication credentials invalid", AUTHENTICATION)            \
	R("", "basic authentication", AUTHENTICATION)                          \
	R("", "not authenticated", AUTHENTICATION)                             \
	R("", "username and password not accepted", AUTHENTICATION)            \
	/* Host, network or sender of bad repute. */                           \
	R("", "reputation", BLOCKED)                                           \
	R("", "spamhaus", BLOCKED)                                             \
	R("", "spamcop", BLOCKED)                                              \
	R("", "barracudacentral", BLOCKED)                                     \
	R("", "cloudmark", BLOCKED)                                            \
	R("", "ipcheck.proofpoint", BLOCKED)                                   \
	R("", "senderscore", BLOCKED)                                          \
	R("", "uceprotect", BLOCKED)                                           \
	R("", "sorbs", BLOCKED)                                                \
	R("", "dnsbl", BLOCKED)                                                \
	R("", "rbl lookup", BLOCKED)                                           \
	R("", "by rbl", BLOCKED)                                               \
	R("", "an rbl", BLOCKED)                                               \
	R("", "blacklist", BLOCKED)                                            \
	R("", "black list", BLOCKED)                                           \
	R("", "blocklist", BLOCKED)                                            \
	R("", "block list", BLOCKED)                                           \
	R("", "denylist", BLOCKED)                                             \
	R("", "blocked using", BLOCKED)                                        \
	R("", "listed at", BLOCKED)                                            \
	R("", "listed by", BLOCKED)                                            \
	R("", "is listed", BLOCKED)                                            \
	R("", "delist", BLOCKED)                                               \
	R("", "banned", BLOCKED)                                               \
	R("", "s3140", BLOCKED) /* Outlook */                                  \
	R("", "s3150", BLOCKED)                                                \
	R("", "sc-00", BLOCKED)                                                \
	R("", "[tss", BLOCKED) /* Yahoo */                                     \
	R("", "[ts0", BLOCKED)                                                 \
	R("", "permanently deferred", BLOCKED)                                 \
	R("", "user complaints", BLOCKED)                                      \
	R("", "unexpected volume", BLOCKED)                                    \
	R("", "spam abuse", BLOCKED)                                           \
	R("", "client host*blocked", BLOCKED)                                  \
	R("", "sending host*blocked", BLOCKED)                                 \
	R("", "open relay", BLOCKED)                                           \
	R("", "ask your postmaster", BLOCKED) /* T-Online */                   \
	R("", "your ip*blocked", BLOCKED)                                      \
	R("", "ip address*blocked", BLOCKED)                                   \
	R("", "sender ip", BLOCKED)                                            \
	R("", "address*has been blocked", BLOCKED)                             \
	R("", "traffic not accepted", BLOCKED)                                 \
	R("", "your network", BLOCKED)                                         \
	R("", "bad outbound sender", BLOCKED)                                  \
	R("x.7", "server busy", BLOCKED)        /* Microsoft 4.7.5xx */        \
	R("x.7", "exceeded threshold", BLOCKED) /* 5.7.705 */                  \
	R("", "dns ptr", AUTHENTICATION)                                       \
	R("", "exceeded permitted limits", BLOCKED)                            \
	/* No room there. */                                                   \
	R("x.2.2", "", MAILBOX_FULL)                                           \
	R("", "mailbox full", MAILBOX_FULL)                                    \
	R("", "is full", MAILBOX_FULL)                                         \
	R("", "mailbox*exceed", MAILBOX_FULL)                                  \
	R("", "inbox full", MAILBOX_FULL)                                      \
	R("", "over quota", MAILBOX_FULL)                                      \
	R("", "overquota", MAILBOX_FULL)                                       \
	R("", "over storage", MAILBOX_FULL)                                    \
	R("", "out of storage", MAILBOX_FULL)                                  \
	R("", "storage*exceeded", MAILBOX_FULL)                                \
	R("", "exceeded*storage", MAILBOX_FULL)                                \
	R("", "storage full", MAILBOX_FULL)                                    \
	R("", "quota exceeded", MAILBOX_FULL)                                  \
	R("", "exceeds quota", MAILBOX_FULL)                                   \
	R("", "exceeded*quota", MAILBOX_FULL)                                  \
	R("", "exceed*quota", MAILBOX_FULL)                                    \
	R("", "disk quota", MAILBOX_FULL)                                      \
	R("", "mailbox size limit", MAILBOX_FULL)                              \
	/* Who sends is not wanted; before the words about recipients. */      \
	R("", "greylist", POLICY)                                              \
	R("", "graylist", POLICY)                                              \
	R("", "grey-list", POLICY)                                             \
	R("", "sender address rejected", POLICY)                               \
	R("", "sender*rejected", POLICY)                                       \
	R("", "sender denied", POLICY)                                         \
	R("", "blocked senders", POLICY) /* a recipient's own list */          \
	R("", "is not verified", POLICY) /* SES: the sender */                 \
	R("", "sender verif", POLICY)                                          \
	R("", "sender domain", POLICY)                                         \
	R("", "starttls", POLICY)                                              \
	R("", "tls required", POLICY)                                          \
	R("", "tls connection", POLICY)                                        \
	R("", "relay access denied", POLICY)                                   \
	R("", "unable to relay", POLICY)                                       \
	R("", "relaying", POLICY)                                              \
	R("", "not permitted to relay", POLICY)                                \
	/* What is in the message. */                                          \
	R("", "virus", CONTENT)                                                \
	R("", "malware", CONTENT)                                              \
	R("", "phish", CONTENT)                                                \
	R("", "infected", CONTENT)                                             \
	R("", "unsolicited", CONTENT)                                          \
	R("", "spam", CONTENT)                                                 \
	R("", "junk mail", CONTENT)                                            \
	R("", "bulk mail", CONTENT)                                            \
	R("", "content", CONTENT)                                              \
	R("", "suspicious", CONTENT)                                           \
	R("", "attachment", CONTENT)                                           \
	R("", "too large", CONTENT)                                            \
	R("", "too big", CONTENT)                                              \
	R("", "line limit", CONTENT)                                           \
	R("", "line too long", CONTENT)                                        \
	R("", "filtered", CONTENT)                                             \
	R("", "message size", CONTENT)                                         \
	R("", "size limit", CONTENT)                                           \
	R("", "size exceeds", CONTENT)                                         \
	R("", "RecipSizeLimit", CONTENT)                                       \
	R("", "rfc 5322", CONTENT)                                             \
	R("", "rfc 2822", CONTENT)                                             \
	R("", "rfc5322", CONTENT)                                              \
	R("", "rfc2822", CONTENT)                                              \
	R("", "bare lf", CONTENT)                                              \
	R("", "bare newline", CONTENT)                                         \
	R("", "multiple from", CONTENT)                                        \
	R("", "from: header", CONTENT)                                         \
	R("", "from header", CONTENT)                                          \
	/* Time ran out further on. */                                         \
	R("x.4.7", "", EXPIRED)                                                \
	R("", "message expired", EXPIRED)                                      \
	R("", "delivery expired", EXPIRED)                                     \
	R("", "envelope expired", EXPIRED)                                     \
	R("", "multiple retries", EXPIRED)                                     \
	R("", "failing for a long time", EXPIRED)                              \
	R("", "could not be delivered for", EXPIRED)                           \
	R("", "not delivered within", EXPIRED)                                 \
	R("", "retry timeout exceeded", EXPIRED)                               \
	R("", "retry time not reached", EXPIRED)                               \
	/* Nobody there. */                                                    \
	R("x.1", "blocked", BLOCKED)                                           \
	R("x.1", "poli", POLICY) /* policy, policies */                        \
	R("x.1", "access denied", POLICY)                                      \
	R("x.1", "not authorized", POLICY)                                     \
	R("x.1", "relay", POLICY)                                              \
	R("x.1", "try again later", SYSTEM)                                    \
	R("x.1", "temporar", SYSTEM)                                           \
	R("x.1", "authenticat", AUTHENTICATION)                                \
	R("5.2.1", "temporar", SYSTEM)                                         \
	R("5.2.1", "try again later", SYSTEM)                                  \
	R("5.2.1", "poli", POLICY)                                             \
	R("x.4.1", "recipient address rejected", BAD_ADDRESS) /* Exchange */   \
	R("", "user unknown", BAD_ADDRESS)                                     \
	R("", "user is unknown", BAD_ADDRESS)                                  \
	R("", "unknown user", BAD_ADDRESS)                                     \
	R("", "unknown recipient", BAD_ADDRESS)                                \
	R("", "recipient unknown", BAD_ADDRESS)                                \
	R("", "unknown local", BAD_ADDRESS)                                    \
	R("", "unknown address", BAD_ADDRESS)                                  \
	R("", "unknown mailbox", BAD_ADDRESS)                                  \
	R("", "unknown account", BAD_ADDRESS)                                  \
	R("", "host unknown", BAD_ADDRESS)                                     \
	R("", "unknown host", BAD_ADDRESS)                                     \
	R("", "address unknown", BAD_ADDRESS)                                  \
	R("", "addressee unknown", BAD_ADDRESS)                                \
	R("", "no such", BAD_ADDRESS)                                          \
	R("", "doesn't exist", BAD_ADDRESS)                                    \
	R("", "not exist", BAD_ADDRESS)                                        \
	R("", "doesn't have a", BAD_ADDRESS) /* Yahoo */                       \
	R("", "recipient*not found", BAD_ADDRESS)                              \
	R("", "RecipientNotFound", BAD_ADDRESS)                                \
	R("", "mailbox not found", BAD_ADDRESS)                                \
	R("", "user*not found", BAD_ADDRESS)                                   \
	R("", "account*not found", BAD_ADDRESS)                                \
	R("", "address*not found", BAD_ADDRESS)                                \
	R("", "address couldn't be found", BAD_ADDRESS)                        \
	R("", "null mx", BAD_ADDRESS)                                          \
	R("", "no mx", BAD_ADDRESS)                                            \
	R("", "find a mail exchanger", BAD_ADDRESS)                            \
	R("", "indicated no smtp", BAD_ADDRESS)                                \
	R("", "invalid domain", BAD_ADDRESS)                                   \
	R("", "user not listed", BAD_ADDRESS)                                  \
	R("", "not a registered", BAD_ADDRESS)                                 \
	R("", "invalid final delivery", BAD_ADDRESS)                           \
	R("", "malformed address", BAD_ADDRESS)                                \
	R("", "account is locked", BAD_ADDRESS)                                \
	R("", "account is blocked", BAD_ADDRESS)                               \
	R("", "not a known user", BAD_ADDRESS)                                 \
	R("", "not known", BAD_ADDRESS)                                        \
	R("", "not a valid", BAD_ADDRESS)                                      \
	R("", "invalid recipient", BAD_ADDRESS)                                \
	R("", "invalid mailbox", BAD_ADDRESS)                                  \
	R("", "invalid address", BAD_ADDRESS)                                  \
	R("", "invalid user", BAD_ADDRESS)                                     \
	R("", "no mailbox", BAD_ADDRESS)                                       \
	R("", "unrouteable", BAD_ADDRESS)                                      \
	R("", "unroutable", BAD_ADDRESS)                                       \
	R("", "undeliverable address", BAD_ADDRESS)                            \
	R("", "rejected: undeliverable", BAD_ADDRESS)                          \
	R("", "no longer", BAD_ADDRESS)                                        \
	R("", "account*disabled", BAD_ADDRESS)                                 \
	R("", "mailbox*disabled", BAD_ADDRESS)                                 \
	R("", "mailbox*inactive", BAD_ADDRESS)                                 \
	R("", "account*inactive", BAD_ADDRESS)                                 \
	R("", "user is inactive", BAD_ADDRESS)                                 \
	R("", "account closed", BAD_ADDRESS)                                   \
	R("", "account*suspended", BAD_ADDRESS)                                \
	R("", "not listed in domino", BAD_ADDRESS)                             \
	R("", "disk space", SYSTEM)                                            \
	R("", "discontinued", BAD_ADDRESS)                                     \
	R("", "host or domain name not found", BAD_ADDRESS)                    \
	R("5", "mailbox unavailable", BAD_ADDRESS)                             \
	R("5", "mailbox is unavailable", BAD_ADDRESS)                          \
	/* RFC 3463 and the registry that goes with RFC 5248. */               \
	R("x.1.5", "", OTHER) /* a valid address */                            \
	R("x.1.7", "", POLICY)                                                 \
	R("x.1.8", "", POLICY)                                                 \
	R("x.1.9", "", POLICY)                                                 \
	R("x.1.0", "denied", POLICY)                                           \
	R("x.1", "", BAD_ADDRESS)                                              \
	R("5.2.1", "", BAD_ADDRESS)                                            \
	R("x.2.3", "", CONTENT)                                                \
	R("4.2", "", SYSTEM)                                                   \
	R("x.3.4", "", CONTENT)                                                \
	R("x.3.3", "", CONTENT)                                                \
	R("x.3", "", SYSTEM)                                                   \
	R("5.4.310", "", BAD_ADDRESS) /* Exchange: no such domain */           \
	R("x.5.3", "", QUOTA)                                                  \
	R("x.6", "", CONTENT)                                                  \
	R("x.7.3", "", AUTHENTICATION)                                         \
	R("x.7.8", "", AUTHENTICATION)                                         \
	R("x.7.9", "auth", AUTHENTICATION)                                     \
	R("x.7.13", "", BAD_ADDRESS) /* RFC 5248 */                            \
	R("x.7.14", "", AUTHENTICATION)                                        \
	R("x.7.16", "", CONTENT)                                               \
	R("x.7.17", "", BAD_ADDRESS) /* RFC 7293: it has a new owner */        \
	R("x.7.18", "", BAD_ADDRESS)                                           \
	R("x.7.20", "", AUTHENTICATION)                                        \
	R("x.7.21", "", AUTHENTICATION)                                        \
	R("x.7.22", "", AUTHENTICATION)                                        \
	R("x.7.23", "", AUTHENTICATION)                                        \
	R("x.7.24", "", AUTHENTICATION)                                        \
	R("x.7.25", "", AUTHENTICATION)                                        \
	R("x.7.26", "", AUTHENTICATION)                                        \
	R("x.7.28", "", QUOTA)                                                 \
	R("x.7.29", "", AUTHENTICATION)                                        \
	R("x.7.57", "", AUTHENTICATION)  /* Exchange */                        \
	R("x.7.139", "", AUTHENTICATION) /* Exchange */                        \
	/* What is left in words. */                                           \
	R("", "blocked", BLOCKED)                                              \
	R("", "abuse", BLOCKED)                                                \
	R("", "not accepted from", BLOCKED)                                    \
	R("", "poli", POLICY) /* policy, policies */                           \
	R("x.7", "", POLICY)                                                   \
	R("", "denied", POLICY)                                                \
	R("", "not authorized", POLICY)                                        \
	R("", "not allowed", POLICY)                                           \
	R("", "no valid recipient", BAD_ADDRESS)                               \
	R("", "not a member", POLICY)                                          \
	R("", "not permitted", POLICY)                                         \
	R("", "prohibited", POLICY)                                            \
	R("", "restricted", POLICY)                                            \
	R("x.4", "", NETWORK)                                                  \
	R("", "timed out", NETWORK)                                            \
	R("", "timeout", NETWORK)                                              \
	R("", "connection refused", NETWORK)                                   \
	R("", "in the queue too long", EXPIRED)                                \
	R("", "giving up", EXPIRED)                                            \
	R("", "requests to connect", NETWORK)                                  \
	R("", "not reachable", NETWORK)                                        \
	R("", "network error", NETWORK)                                        \
	R("", "name service", NETWORK)                                         \
	R("", "name server", NETWORK)                                          \
	R("", "hop count", NETWORK)                                            \
	R("", "too many hops", NETWORK)                                        \
	R("", "mail loop", NETWORK)                                            \
	R("", "routing loop", NETWORK)                                         \
	R("", "dns lookup", NETWORK)                                           \
	R("", "dns query", NETWORK)                                            \
	R("", "dns error", NETWORK)                                            \
	R("", "dns fail", NETWORK)                                             \
	R("", "insufficient system", SYSTEM)                                   \
	R("", "system resources", SYSTEM)                                      \
	R("", "disk full", SYSTEM)                                             \
	R("", "local error", SYSTEM)                                           \
	R("", "internal error", SYSTEM)                                        \
	R("", "server error", SYSTEM)                                          \
	R("", "server busy", SYSTEM)                                           \
	R("", "service currently unavailable", SYSTEM)                         \
	R("", "service not available", SYSTEM)                                 \
	R("", "try again later", SYSTEM)                                       \
	R("", "temporar", SYSTEM)                                              \
	R("x.5.1", "", SYSTEM)                                                 \
	R("x.5.2", "", SYSTEM)                                                 \
	R("x.5.4", "", SYSTEM)                                                 \
	R("x.5.5", "", SYSTEM)                                                 \
	R("x.5.6", "", SYSTEM)

#endif
