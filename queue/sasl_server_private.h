/*
 * sasl_server_private - an exchange as sasl_server.c (libgsasl's side) and
 * sasl_server_line.c (what a client's line says) know it; for nobody else.
 */
#ifndef MTQ_SASL_SERVER_PRIVATE_H
#define MTQ_SASL_SERVER_PRIVATE_H

#include "queue/sasl_server.h"

struct Gsasl;
struct Gsasl_session;

struct sasl_server {
	enum mechanism m;
	struct Gsasl *g;
	struct Gsasl_session *x;
	bool plus; /* was offered */
	unsigned char binding[SASL_SERVER_BINDING];
	size_t nbinding;
	unsigned steps;
	unsigned lines; /* of the client's that said something */
	struct bytes in;
	struct bytes out; /* base64 */
	enum sasl_server_result result;
	char name[SASL_SERVER_NAME + 1];
	char reason[SASL_SERVER_REASON];
	/* What a proof of SCRAM is made over (RFC 5802 3), from the client's
	 * first message on. */
	struct bytes message;
	struct account_look look; /* its keys only while a step is made */
	unsigned at;              /* the password that was right */
	bool presumed;
	unsigned char stored[MAC_SIZE]; /* that was proved, or is presumed */
};

bool sasl_server_is_scram(const struct sasl_server *x) MUST_USE;
/* Wipes and frees. */
void sasl_server_forget(struct bytes *b);

#endif
