/*
 * event - every line mtq can log.  Row: id, level, what it means (mtqd(8)
 * has the same table).
 */
#ifndef MTQ_EVENT_H
#define MTQ_EVENT_H

#define EVENTS(E)                                                              \
	E(STARTED, INFO, "mtqd: every listener accepts")                       \
	E(STOPPED, INFO, "mtqd: everything ended in order")                    \
	E(ROLE_STARTED, INFO, "a role serves")                                 \
	E(ROLE_ENDED, ERROR, "a role ended unasked and is started again")      \
	E(ROLE_HUNG, ERROR, "a role missed its heartbeat and is killed")       \
	E(RELOADED, INFO, "a new configuration is in force")                   \
	E(RELOAD_REFUSED, ERROR, "the new configuration is wrong; old kept")   \
	E(TOKEN, INFO, "a relay's OAuth token is new")                         \
	E(TOKEN_FAILED, ERROR, "a relay's token was refused or can't be had")  \
	E(CONNECT, INFO, "a client connected")                                 \
	E(DISCONNECT, INFO, "a client left")                                   \
	E(TLS, INFO, "a client's TLS handshake is done")                       \
	E(TLS_FAILED, NOTICE, "a client's TLS handshake has failed")           \
	E(MAILDROP, WARNING, "a file of the maildrop can't be taken in: kept") \
	E(REFUSED, NOTICE, "a command or message was refused (reject: ...)")   \
	E(AUTH_FAILED, NOTICE, "a client's AUTH failed (SASL ... failed)")     \
	E(ACCOUNTS, INFO, "the accounts file is new, or wrong: old kept")      \
	E(CLIENT, INFO, "client= of an accepted message")                      \
	E(VERDICT, INFO, "what each check of a message's source says")         \
	E(MESSAGE_ID, INFO, "message-id= of an accepted message")              \
	E(QUEUED, INFO, "from=, size=, nrcpt=: the message is ours")           \
	E(ATTEMPT, INFO, "to=, relay=, ..., status=: how one attempt ended")   \
	E(RETURN_PATH, NOTICE, "return_path gives no address: sender stays")   \
	E(REMOVED, INFO, "the last recipient is done; the message is gone")    \
	E(IN_DOUBT, WARNING, "no answer after the final dot: it may be there") \
	E(POISON, ERROR, "workers died with a message again and again: held")  \
	E(ARCHIVE, ERROR, "a copy for an archive was refused: held")           \
	E(REPORTED, INFO, "a sender is told what became of its mail")          \
	E(WITHHELD, NOTICE, "a sender gets no more reports for a while")       \
	E(RETURNED, NOTICE, "mail came back: returned=bounce|complaint|...")   \
	E(SUPPRESSED, NOTICE, "an address gets no more mail")                  \
	E(RELAY_DOWN, WARNING, "a relay can't be reached; closed for a while") \
	E(RELAY_UP, INFO, "a relay answers again")                             \
	E(RELAY_CLOSED, WARNING, "a provider said its limit is reached")       \
	E(RELAY_SLOWED, NOTICE, "a provider said we are too fast")             \
	E(RELAY_REFUSED, ERROR, "a relay refused our credential: paused")      \
	E(QUOTA_SPENT, NOTICE, "a relay's quota has no room for a type")       \
	E(QUEUE_FULL, ERROR, "new mail is put off: 452 4.3.1")                 \
	E(QUEUE_ROOM, INFO, "new mail is taken again")                         \
	E(OVERLOAD, WARNING, "too much is in use: the lightest types wait")    \
	E(RELAXED, INFO, "the load is no longer high")                         \
	E(CLEANED, INFO, "remains of abandoned messages were removed")         \
	E(STORE_FAILED, ERROR, "a commit failed; nothing was accepted in it")  \
	E(ADMIN, NOTICE, "somebody changed the queue with mtq: who and what")  \
	E(JAIL, NOTICE, "what this kernel can't confine")                      \
	E(LOG_DROPPED, WARNING, "lines lost because stderr was full")          \
	E(NOTE, INFO, "anything else worth a line")                            \
	E(FATAL, ERROR, "the process ends")

enum event {
#define E(id, level, what) EVENT_##id,
	EVENTS(E)
#undef E
	    EVENT_COUNT
};

#endif
