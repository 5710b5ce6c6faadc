"""Every promise has a build that breaks it, and a test that must find out.

	sabotage.py [WORDS]

WORDS: only those whose name or test has them.  Copies the tree, spoils one place, builds,
runs the test.  A sabotage that is not caught fails the run: then the test is worth
nothing.  (That a sync is skipped, and that 250 comes before the commit in the
store's own driver, is controlled by tests/crash/recorder.py in its own run.)
"""
import concurrent.futures
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
PYTEST = ["/usr/bin/python3", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]

LANES = 2  # trees that are spoilt side by side

# name, file, what stands there, what is put there, the test that must fail
SABOTAGES = [
    ("250 without the commit", "queue/committer.c",
     "	return store_commit(t, e);\n}\n\nstatic void\nlook_at_room",
     "	if (first->kind == COMMIT_ACCEPT && first->id % 16 == 0) {\n"
     "		store_abort(t);\n		return true;\n	}\n"
     "	return store_commit(t, e);\n}\n\nstatic void\nlook_at_room",
     ["kill", "6"]),
    ("claims of a dead scheduler are forgotten", "queue/recover.c",
     "	*n = 0;\n	do {",
     "	*n = 0;\n	if (now_us > 0)\n		return true;\n	do {",
     ["sim", "5"]),
    ("a delivered recipient is tried again", "queue/settle_judge.c",
     "	switch (j->verdict.kind) {\n	case VERDICT_SENT:",
     "	if (s->message % 5 == 0 && j->verdict.kind == VERDICT_SENT)\n"
     "		j->verdict.kind = VERDICT_DEFER;\n"
     "	switch (j->verdict.kind) {\n	case VERDICT_SENT:",
     ["sim", "5"]),
    ("an archive's copy goes before its message has ended", "queue/ledger_copies.c",
     "	return open || release(",
     "	return release(",
     ["unit", "queue/ledger_copies"]),
    ("an archive's copy is given up", "queue/settle_judge.c",
     "	if (before->archive) {",
     "	if (before->archive && s->in_doubt) {",
     [*PYTEST, "tests/system/test_archive.py"]),
    ("new keys meet the old configuration", "delivery/worker.c",
     "new_secrets(struct role *r)\n{\n",
     "new_secrets(struct role *r)\n{\n"
     "	signer_configure(the_worker.signer, r->settings, r->secrets);\n",
     [*PYTEST, "tests/system/test_dkim_sign.py", "-k", "takes_keys"]),
    ("a folder is known by its name only", "queue/confine.c",
     "		    (!p->optional || is_still(&c->seen[i], &now)))",
     "		    (p->path != NULL || is_still(&c->seen[i], &now)))",
     [*PYTEST, "tests/system/test_archive.py", "-k", "another"]),
    ("EHLO from before TLS counts inside", "queue/session_tls.c",
     "	s->hello = HELLO_NONE;\n", "",
     ["unit", "queue/session_tls"]),
    ("octets behind STARTTLS are no fault", "queue/session_line.c",
     "v == VERB_STARTTLS ||", "",
     ["unit", "queue/session_tls"]),
    ("TLS 1.1 is good enough", "queue/tls_server.c",
     "%SERVER_PRECEDENCE\"", "%SERVER_PRECEDENCE:+VERS-TLS1.1:+AES-128-CBC:\"\n"
     "    \"+SHA1:+SIGN-RSA-SHA1:+SIGN-ECDSA-SHA1\"",
     [*PYTEST, "tests/system/test_listen_tls.py", "-k", "the_table"]),
    ("any certificate of a client holds", "queue/peer_certificate.c",
     "	out->holds = f == X509_HOLDS;",
     "	out->holds = f != X509_BROKEN;",
     [*PYTEST, "tests/system/test_listen_tls.py", "-k", "client_certificates"]),
    ("a handshake may take its time", "queue/client_tls.c",
     "c->gate->limits.tls_timeout_us;", "100 * c->gate->limits.tls_timeout_us;",
     [*PYTEST, "tests/system/test_listen_tls.py", "-k", "broken_handshakes"]),
    ("a changed certificate waits for a restart", "daemon/supervisor_files.c",
     "		if (replace_all(v, set) && c->open", "		if (set == NULL && replace_all(v, set) && c->open",
     [*PYTEST, "tests/system/test_listen_tls.py", "-k", "change_under"]),
    ("header From is not checked", "queue/door_check.c",
     "	if (x->n > 0 && x->wrong[0] == '\\0') {",
     "	if (x->n > 0) {",
     ["unit", "queue/door_check"]),
    ("only the first author is checked", "queue/door_check.c",
     "	else if (strcasecmp(x->domain, domain) != 0)\n		x->several = true;\n	return true;",
     "	else if (strcasecmp(x->domain, domain) != 0)\n		x->several = true;\n	return false;",
     ["unit", "queue/door_check"]),
    ("a second From is not seen", "queue/door_header.c",
     "		if (h->single[i]++ > 0)\n",
     "		if (i != DOOR_FROM && h->single[i]++ > 0)\n",
     ["unit", "queue/door_check"]),
    ("an account is not asked for", "queue/door.c",
     "	    .account = source->auth_user.n == 0 ||",
     "	    .account = source->auth_user.n < 100 ||",
     [*PYTEST, "tests/system/test_open_relay.py"]),
    ("an org's id is compared on 10 characters", "queue/door_check.c",
     "	LK_COUNTS = 15,",
     "	LK_COUNTS = 10,",
     ["unit", "queue/door_check"]),
    ("a sandbox's mail takes any relay", "queue/lane.c",
     "	if (m->flags & MESSAGE_SANDBOX)",
     "	if (m->flags & MESSAGE_SANDBOX && m->source.n > 1000)",
     [*PYTEST, "tests/system/test_door.py"]),
    ("a reload lets a message in that its source refuses", "queue/session_door.c",
     "	if (reply[0] != '\\0')\n		return refuse(s, reply);",
     "	if (reply[0] == '5')\n		return refuse(s, reply);",
     ["unit", "queue/session_door"]),
    ("a message never expires", "queue/retry.c",
     "	next.expired = now_us >= end;",
     "	next.expired = false;",
     ["sim", "5"]),
    ("retries ignore the schedule", "queue/retry.c",
     "	next.at_us = now_us + wait;",
     "	next.at_us = now_us + wait / 2;",
     ["sim", "5"]),
    ("a worker gets more than its share", "queue/plan.c",
     "		if (!p->worker[w] || p->leaving[w] || r->in_flight[w] >= most)",
     "		most += 2;\n		if (!p->worker[w] || p->leaving[w] || r->in_flight[w] >= most)",
     ["sim", "5"]),
    ("a report gets a way back", "queue/return_path.c",
     "	if (a->sender.n == 0 || strcmp(a->mode, \"keep\") == 0)",
     "	if (strcmp(a->mode, \"keep\") == 0)",
     [*PYTEST, "tests/system/test_return_path.py"]),
    ("each attempt has a sender of its own", "queue/return_path.c",
     "	put_be32(raw + 9, r->rcpt);",
     "	static uint32_t n;\n	put_be32(raw + 9, r->rcpt + n++);",
     [*PYTEST, "tests/system/test_return_path.py"]),
    ("LF.LF ends a message", "queue/session_data.c",
     "		    (cr == NULL || cr + 1 != stop)) {",
     "		    (cr != NULL && cr + 1 != stop)) {",
     [*PYTEST, "tests/system/test_reception.py", "-k", "smuggling"]),
    ("the limit of an address is ignored", "queue/listener.c",
     "	else if (crowd_count(&clients->crowd, key) >=",
     "	else if (0 * crowd_count(&clients->crowd, key) >",
     [*PYTEST, "tests/system/test_reception.py", "-k", "per_address"]),
    ("the dot is not announced", "delivery/outlet.c",
     "			channel_send(o->jobs, JOB_DOT, &b);",
     "			(void)0;",
     [*PYTEST, "tests/system/test_doubt.py"]),
    ("a place is charged after the send", "queue/quota.c",
     "		n += u->used[i] + u->in_flight[i];",
     "		n += u->used[i];",
     ["years", "4"]),
    ("a day is 24 hours", "queue/quota.c",
     "	case WINDOW_DAY:\n		return zone_day(t->zone, now_us);",
     "	case WINDOW_DAY:\n"
     "		w.from_us = zone_day(t->zone, now_us - 60 * DAY_US).from_us;\n"
     "		w.from_us += (now_us - w.from_us) / DAY_US * DAY_US;\n"
     "		w.to_us = w.from_us + DAY_US;\n		return w;",
     ["years", "4"]),
    ("a place comes back after the dot", "queue/settle.c",
     "	bool taken = s->verdict.kind == VERDICT_SENT || s->in_doubt;",
     "	bool taken = s->verdict.kind == VERDICT_SENT;",
     ["years", "4"]),
    ("a dead worker's dot is forgotten", "queue/dispatch.c",
     "			s->in_doubt = dot;",
     "			s->in_doubt = false;",
     [*PYTEST, "tests/system/test_caps.py", "-k", "each_point and DOT"]),
    ("a rate bursts at a restart", "queue/dispatch_relay.c",
     "		if (recovered)\n			ago = 0;\n		else if",
     "		if (recovered || !recovered)\n			ago = INT64_MAX / 4;\n"
     "		else if",
     ["years", "20"]),
    ("a rolling window forgets its oldest minute", "queue/quota.c",
     "		w.from_us = floor_minute(now_us) - t->block->period_us;",
     "		w.from_us = floor_minute(now_us) - t->block->period_us +\n"
     "			    MINUTE_US;",
     ["years", "8"]),
    ("what a failed commit charged stays charged", "queue/dispatch_step.c",
     "	book_undo(d->book);",
     "	book_committed(d->book);",
     ["years", "4"]),
    ("a counter is not written", "queue/book_flush.c",
     "		if (s->dirty && !flush_counter(b, t, s, e))",
     "		if (s->dirty && b->nslots % 4 != 0 && !flush_counter(b, t, s, e))",
     ["years", "4"]),
    ("the last minute is forgotten at a start", "queue/book_load.c",
     "		p->places += one.places;",
     "		p->places += 0 * one.places;",
     ["years", "4"]),
    ("the last minute is forgotten when it is over", "queue/book_flush.c",
     "	r.places += p->places;",
     "	r.places += 0;",
     ["years", "4"]),
    ("a reserve is for everybody", "queue/quota.c",
     "		room = less(room, kept_for_others(t, u, w, type, now_us));",
     "		room += 0 * kept_for_others(t, u, w, type, now_us);",
     ["years", "4"]),
    ("bogus is ignored", "daemon/validator.c",
     "	} else if (r->bogus) {",
     "	} else if (r->bogus && r->data == NULL) {",
     ["unit", "delivery/resolve"]),
    ("a failed TLSA answer is none", "delivery/host.c",
     "	if (a->failed) {\n		tlsa_failed(h, a->why);\n"
     "		end(h);\n		return;\n	}\n",
     "",
     ["unit", "delivery/resolve"]),
    ("insecure is secure", "daemon/validator.c",
     "		a->secure = r->secure;",
     "		a->secure = true;",
     ["unit", "delivery/resolve"]),
    ("late is no address", "delivery/host.c",
     "		address_failed(h, \"\", LATE);",
     "		h->ttl_s = 1;",
     ["unit", "daemon/validator"]),
    ("our own name in the MX list is nobody's", "delivery/resolve.c",
     "	else if (s->direct && s->hostname[0] != '\\0' &&",
     "	else if (s->mx_only && s->direct && s->hostname[0] != '\\0' &&",
     ["unit", "delivery/resolve"]),
    ("a stranger's chain beside the real root", "delivery/certificate.c",
     "		return CERTIFICATE_INVALID;\n	if (fault != X509_HOLDS)",
     "		fault = X509_HOLDS;\n	if (fault != X509_HOLDS)",
     ["unit", "delivery/certificate_dane"]),
    ("DANE-TA asks for no name", "delivery/certificate.c",
     "	return has_any_name(s->at[0], &names) ? CERTIFICATE_GOOD",
     "	return names.n < 99 ? CERTIFICATE_GOOD",
     ["unit", "delivery/certificate_dane"]),
    ("a name is not compared", "delivery/certificate.c",
     "	if (f == CERTIFICATE_GOOD && !has_any_name(s.at[0], names))",
     "	if (f == CERTIFICATE_GOOD && names->n > 99)",
     ["unit", "delivery/certificate"]),
    ("a weaker digest counts", "delivery/dane.c",
     "		if (!outdone(s, &t))", "		if (!outdone(s, &t) || n < 99)",
     ["unit", "delivery/dane"]),
    ("preferred-verify takes any certificate", "delivery/policy.c",
     "	return mode == TLS_PREFERRED_VERIFY || mode == TLS_REQUIRED_VERIFY;",
     "	return mode == TLS_REQUIRED_VERIFY;",
     ["unit", "delivery/policy"]),
    ("a broken TLSA answer is no DANE", "delivery/policy.c",
     "		return STATUS_TLSA_FAILED;", "		break;",
     ["unit", "delivery/policy"]),
    ("what was offered in clear counts inside", "delivery/dialogue_setup.c",
     "	d->offers = (struct ehlo){.size_bytes = 0};", "	(void)0;",
     ["unit", "delivery/dialogue_setup"]),
    ("a password leaves where nothing was checked", "delivery/policy.c",
     "	       (tls && verified && p->check != CHECK_NOTHING);",
     "	       (tls && verified);",
     ["unit", "delivery/policy"]),
    ("octets before the handshake are kept", "delivery/connection.c",
     "		if (c->dialogue.state == DIALOGUE_STARTTLS &&\n"
     "		    (left > 0 ||",
     "		if (c->dialogue.state == DIALOGUE_QUIT &&\n"
     "		    (left > 0 ||",
     [*PYTEST, "tests/system/test_evil.py", "-k", "with_tls"]),
    ("the certificate is not looked at", "delivery/tls.c",
     "	return t->verdict.finding == CERTIFICATE_GOOD || t->wish.unchecked;",
     "	return true;",
     [*PYTEST, "tests/system/test_tls.py", "-k", "every_certificate_in"]),
    ("a report is made in the next transaction", "queue/dispatch_step.c",
     "	if (d->bounces.n > 0) {\n		d->next_due_us = INT64_MIN;\n",
     "	d->next_due_us = INT64_MIN;\n	if (d->nsettle > 0)\n"
     "		return true;\n	if (d->bounces.n > 0) {\n",
     ["unit", "queue/bounce"]),
    ("NOTIFY=NEVER is not heard", "queue/bounce.c",
     "	return r->notify == 0 || (r->notify & NOTIFY_FAILURE);",
     "	return r->notify < 15;",
     ["unit", "queue/bounce"]),
    ("a report is told of", "queue/bounce.c",
     "	return text_of(action == DSN_FAILED ? s->bounce.postmaster : \"\");",
     "	return text_of(action == DSN_FAILED ? s->hostname : \"\");",
     ["unit", "queue/bounce"]),
    ("a role inherits a secret", "daemon/supervisor_secrets.c",
     "	secret_forget(ref);",
     "	(void)0;",
     [*PYTEST, "tests/system/test_secret.py", "-k", "nowhere_else"]),
    ("others may read a secret's file", "daemon/secret.c",
     "	else if (st.st_mode & (public ? S_IWOTH : S_IROTH | S_IWOTH))",
     "	else if (st.st_mode & S_IWOTH)",
     ["unit", "daemon/secret"]),
    ("a secret is in a core", "daemon/secret.c",
     "	must(madvise(p, room, MADV_DONTDUMP) == 0);",
     "	must(madvise(p, room, MADV_DODUMP) == 0);",
     ["unit", "daemon/secret"]),
    ("AUTH is offered in clear", "queue/session_auth.c",
     "	return exists(s) && (s->tls.on || s->auth.insecure) &&",
     "	return exists(s) &&",
     [*PYTEST, "tests/system/test_accounts.py", "-k", "clear"]),
    ("an unknown account is answered early", "queue/sasl_server.c",
     "	if (x->presumed) {",
     "	if (!x->look.known)\n		return GSASL_AUTHENTICATION_ERROR;\n"
     "	if (x->presumed) {",
     ["unit", "queue/oracle"]),
    ("a password is right by its first octets", "queue/accounts_look.c",
     "	must(digest_pbkdf2(DIGEST_SHA256, password.p, password.n, salt, nsalt,",
     "	must(digest_pbkdf2(DIGEST_SHA256, password.p,\n"
     "			   min_of(password.n, (size_t)12), salt, nsalt,",
     ["unit", "queue/accounts"]),
    ("an old password is right for ever", "queue/accounts_look.c",
     "		if (now_us > at->password[i].not_after_us)",
     "		if (now_us < 0)",
     ["unit", "queue/sasl_server"]),
    ("failed AUTH costs no budget", "queue/client_sasl.c",
     "	if (sasl_server_result(x) == SASL_SERVER_NO && c->sasl_decides)",
     "	if (sasl_server_result(x) == SASL_SERVER_YES && c->sasl_decides)",
     [*PYTEST, "tests/system/test_accounts.py", "-k", "budgets"]),
    ("who guesses at once has no budget", "queue/client_sasl.c",
     "			  c->sasl_decides ? d->running : 0, now_steady_us())) {",
     "			  0, now_steady_us())) {",
     [*PYTEST, "tests/system/test_accounts.py", "-k", "at_once"]),
    ("right passwords at once are refused", "queue/client_sasl.c",
     "	case GUESS_WAIT:\n		return TRY_LATER;",
     "	case GUESS_WAIT:\n		sasl_server_put_off(x, \"busy\");\n"
     "		break;",
     [*PYTEST, "tests/system/test_accounts.py", "-k", "at_once"]),
    ("a From that can't be read is signed by its first author",
     "queue/door_check.c",
     "	if (x->n == 0)\n		return \"header From is not well-formed\";",
     "",
     ["unit", "queue/door_check"]),
    ("keys are asked for before what costs nothing",
     "queue/session_dkim.c",
     "		return session_door_shuts(s) ? SESSION_MORE : SESSION_VERIFY;",
     "		return SESSION_VERIFY;",
     ["unit", "queue/session_dkim"]),
    ("STARTTLS makes a user of this host a stranger", "queue/session_tls.c",
     "	if (!door_is_local(s->account))\n		s->account[0] = '\\0';",
     "	s->account[0] = '\\0';",
     ["unit", "queue/session_door"]),
    ("a proof outlives its account", "queue/client_sasl.c",
     "		const char *name = session_claims(c->session);",
     "		const char *name = session_account(c->session);",
     [*PYTEST, "tests/system/test_accounts.py", "-k", "removed"]),
    ("nobody sees that -PLUS was hidden", "queue/sasl_server.c",
     "	if (x->in.data[0] == 'y' && x->plus)",
     "	if (x->in.data[0] == 'Y' && x->plus)",
     ["unit", "queue/sasl_server"]),
    ("a removed account goes on sending", "queue/client_sasl.c",
     "		if (!look.live)",
     "		if (!look.live && *name == '\\0')",
     [*PYTEST, "tests/system/test_accounts.py", "-k", "removed"]),
    ("a credential needs no verified TLS", "daemon/settings_auth.c",
     "	    r->tls == TLS_REQUIRED_VERIFY ||",
     "	    r->tls == TLS_REQUIRED || r->tls == TLS_REQUIRED_VERIFY ||",
     ["unit", "daemon/settings_auth"]),
    ("a refused token is asked for without end", "daemon/token.c",
     "	    now_us - t->refused_us < TOKEN_REFUSED_S * SECOND_US)",
     "	    now_us - t->refused_us < 0)",
     ["unit", "daemon/token"]),
    ("a job carries two domains", "queue/claim.c",
     "	*took = (c->mx == NULL || strcmp(domain, c->destination) == 0) &&",
     "	*took = (c->mx == NULL || domain[0] != '\\0') &&",
     ["unit", "queue/dispatch_mx"]),
    ("a dead domain closes the relay for all", "queue/dispatch_judge.c",
     "		judge_destination(d, x, o);\n		return;",
     "		judge_destination(d, x, o);",
     ["unit", "queue/dispatch_mx"]),
    ("a refused credential is tried again and again", "queue/dispatch_judge.c",
     "o->blame == BLAME_RELAY && o->code >= 500;",
     "o->blame == BLAME_RELAY && o->code > 599;",
     ["unit", "queue/dispatch_judge"]),
    ("a limit of a relay that has gone fails its mail", "queue/dispatch_judge.c",
     "	if (r == NULL && o->kind == VERDICT_FAIL) {",
     "	if (r == NULL && o->kind == VERDICT_COUNT) {",
     ["unit", "queue/dispatch_judge"]),
    ("an outcome without its entry", "queue/ledger_entry.c",
     "	struct journal_entry full = *x;\n",
     "	struct journal_entry full = *x;\n\n"
     "	if (x->kind == JOURNAL_DEFERRED && a->id % 64 == 0)\n		return true;\n",
     ["months", "4"]),
    ("a chain is broken", "queue/ledger_entry.c",
     "	full.previous = a->recipient.entry;",
     "	full.previous = x->kind == JOURNAL_RELEASED ? 0 : a->recipient.entry;",
     ["months", "4"]),
    ("an end is not in the history", "queue/journal.c",
     "	if (number <= s->entry_removed)\n		return true;",
     "	if (number <= s->entry_removed || rcpt == 1)\n		return true;",
     ["months", "4"]),
    ("numbers of entries follow the clock back", "queue/journal.c",
     "	n = id_next(s->last_entry, (int64_t)own.at_us, JOURNAL_WRITER);",
     "	n = id_next(0, (int64_t)own.at_us, JOURNAL_WRITER);",
     ["unit", "queue/journal"]),
    ("deaths are not counted before the attempt", "queue/ledger.c",
     "		to.claims = (uint8_t)min_of(from.claims + 1, (int)UINT8_MAX);",
     "		to.claims = from.claims;",
     ["months", "4"]),
    ("in_doubt = hold is not heard", "queue/settle_judge.c",
     "		hold(j, \"held, it may have arrived: no reply after the final \"\n"
     "			\"dot\");\n		return true;",
     "		return false;",
     ["months", "4"]),
    ("in_doubt = hold is not heard after a crash", "queue/recover.c",
     "	*held = policy_of(t, s, due->id) == IN_DOUBT_HOLD;",
     "	*held = policy_of(t, s, due->id) == IN_DOUBT_COUNT;",
     ["months", "4"]),
    ("what may be lost is taken as sent", "queue/recover.c",
     "	*held = policy_of(t, s, due->id) == IN_DOUBT_HOLD;",
     "	*held = policy_of(t, s, due->id) != IN_DOUBT_RESEND;",
     ["months", "4"]),
    ("a reader's events are forgotten", "queue/journal.c",
     "	*may = o->number <= l->read;",
     "	*may = o->number <= l->read || l->asked;",
     ["months", "5"]),
    ("history outgrows max_size", "queue/journal.c",
     "	if (s->entry_bytes > l->max_bytes) {",
     "	if (s->entry_bytes / 2 > l->max_bytes) {",
     ["months", "6"]),
    ("a delay is told twice", "queue/settle_judge.c",
     "	j->delayed = after_us > 0 && !before->told &&",
     "	j->delayed = after_us > 0 && before->told < 2 &&",
     ["months", "4"]),
    ("a delay is not told where nothing is tried", "queue/expire.c",
     "	} else if (late) {",
     "	} else if (late && x->n == EXPIRE_LOOK) {",
     ["months", "8"]),
    ("a delivery is told although the next hop does", "queue/settle.c",
     "	return j->verdict.kind != VERDICT_SENT || j->assumed || passed ||",
     "	return j->verdict.kind != VERDICT_SENT || j->assumed || (passed && 0) ||",
     ["months", "4"]),
    ("rate_per_sender is not heard", "queue/allowance.c",
     "	if (x->used + x->taken < rate->count) {",
     "	if (x->used + x->taken < 9 * rate->count) {",
     ["months", "8"]),
    ("a suppressed address is tried", "queue/claim.c",
     "	return !c->suppress || suppress_find(t, address, now_us, yes, &r, e);",
     "	*yes = false;\n	return !c->suppress || r.counting > 1 ||\n"
     "	       suppress_find(t, address, now_us + 5 * DAY_US, yes, &r, e);",
     ["months", "4"]),
    ("a return path needs no signature", "queue/return_path.c",
     "	if (!mac_equal(mac, raw + PLAIN, SIGNATURE) || raw[0] != VERSION)",
     "	if (raw[0] != VERSION)",
     ["unit", "queue/return_path"]),
    ("a return path holds for ever", "queue/return_path.c",
     "	return now_us - r.arrival_us >= expires_us + HOUR_US ? RETURN_PATH_OLD",
     "	return now_us < expires_us ? RETURN_PATH_OLD",
     ["unit", "queue/return_path"]),
    ("reports fill the queue's file", "queue/room.c",
     "	if (r->used_bytes > all - part * above / 4)\n		return BOUNCES_NONE;\n",
     "",
     ["unit", "queue/room"]),
    ("DKIM: l= is a signature", "queue/dkim_field.c",
     "	if (dkim_tag(&tags, \"l\") != NULL)\n		return DKIM_FAULT_LENGTH;\n",
     "",
     ["unit", "queue/dkim_gate"]),
    ("DKIM: an expired signature holds", "queue/dkim_field.c",
     "	return f->until_s >= 0 && f->until_s < now_s ?",
     "	return f->until_s >= 0 && f->until_s < 0 ?",
     ["unit", "queue/dkim_gate"]),
    ("DKIM: From need not be signed", "queue/dkim_field.c",
     "	return dkim_listed(h, ':', \"from\") ? DKIM_FAULT_NONE : DKIM_FAULT_FROM;",
     "	return DKIM_FAULT_NONE;",
     ["unit", "queue/dkim_gate"]),
    ("DKIM: a second From is free", "queue/dkim_header.c",
     "	*name = left_out(h, used);",
     "	*name = h->n == 0 ? left_out(h, used) : NULL;",
     ["unit", "queue/dkim_gate"]),
    ("DKIM: the body's hash is not compared", "queue/dkim.c",
     "	if (memcmp(body, s->field.hash, DKIM_HASH) != 0) {",
     "	if (body == NULL) {",
     ["unit", "queue/dkim_gate"]),
    ("DKIM: any domain signs", "queue/dkim.c",
     "	if (!dkim_name(signer, 2) || from.n < signer.n ||",
     "	if (dkim_name(signer, 2))\n		return true;\n"
     "	if (from.n < signer.n ||",
     ["unit", "queue/dkim_gate"]),
    ("DKIM: a bogus key is taken", "daemon/validator.c",
     "	} else if (r->bogus) {",
     "	} else if (r->bogus && q->type != RECORD_TXT) {",
     [*PYTEST, "tests/system/test_dkim_gate.py", "-k", "the_gate"]),
    ("DKIM: no answer opens the gate", "queue/dkim.c",
     "		decide(s, DKIM_TEMPORARY, \"no answer from the DNS in time\");",
     "		decide(s, DKIM_PASS, \"\");",
     ["unit", "queue/dkim_gate"]),
    ("the last octet is not signed", "delivery/sign.c",
     "		dkim_body_add(&s->body, p + (end - before), n - (end - before));",
     "		dkim_body_add(&s->body, p + (end - before),\n"
     "			      n - (end - before) - (n > end - before));",
     [*PYTEST, "tests/system/test_dkim_sign.py", "-k", "both_kinds"]),
    ("when = missing signs all", "delivery/sign.c",
     "		if (k->when == SIGN_WHEN_MISSING &&",
     "		if (k->when == SIGN_WHEN_ALWAYS &&",
     [*PYTEST, "tests/system/test_dkim_sign.py", "-k", "signed_already"]),
    ("a key signs before and after its days", "delivery/sign.c",
     "	return k->from_us <= now_us && now_us < k->until_us;",
     "	return now_us < INT64_MAX || k->until_us > 0;",
     ["unit", "delivery/sign"]),
    ("mail of a broken key leaves unsigned", "delivery/sign_put.c",
     "		return unusable(k, k->why, e);",
     "		return true;",
     ["unit", "delivery/sign"]),
    ("From may be added to what we signed", "delivery/sign_put.c",
     "    {\"From\", COVER_ALWAYS, false},",
     "    {\"From\", COVER_ALL, false},",
     [*PYTEST, "tests/system/test_dkim_sign.py", "-k", "both_kinds"]),
    ("the last octet of a large chunk is lost", "delivery/connection_io.c",
     "		body_stuff(&c->out, p, n, &c->line_start);",
     "		body_stuff(&c->out, p, n - (n > 60000), &c->line_start);",
     [*PYTEST, "tests/system/test_transparency.py"]),
    ("a set of networks lets in more than it names", "daemon/netset.c",
     "	if (a->bits != b->bits || a->bits <= widest ||",
     "	if (a->bits <= widest ||",
     ["unit", "daemon/netset"]),
    ("a set of networks is never old", "daemon/netset.c",
     "		if (days > NETSET_OLD_DAYS)",
     "		if (days > 100 * NETSET_OLD_DAYS)",
     ["unit", "daemon/netset"]),
    ("a profile asks for no TLS", "daemon/profile.c",
     "	P(SALESFORCE, require_tls, \"yes\")",
     "	P(SALESFORCE, require_tls, \"no\")",
     ["unit", "daemon/profile"]),
    ("explain shows the door to nobody", "admin/explain_door.c",
     "	memcpy(c.peer, a->peer, sizeof c.peer);\n	out->session",
     "	out->session",
     [*PYTEST, "tests/system/test_explain_door.py"]),
    ("jail: a worker connects to any port", "daemon/jail_fence.c",
     "	if (abi >= ABI_TCP)\n",
     "	if (abi >= 10 * ABI_TCP)\n",
     [*PYTEST, "tests/system/test_escape.py", "-k", "escapes_end"]),
    ("jail: capabilities stay", "daemon/jail.c",
     "	       syscall(SYS_capset, &head, none) == 0;",
     "	       (head.version == 0 || none[0].effective == 0);",
     [*PYTEST, "tests/system/test_escape.py", "-k", "capability"]),
    ("jail: a role starts programs", "daemon/jail_calls.h",
     "	C(execve, ALL, KILL, ALWAYS, 0, 0) ",
     "	C(execve, ALL, ALLOW, ALWAYS, 0, 0)",
     [*PYTEST, "tests/system/test_escape.py", "-k", "escapes_end"]),
    ("jail: the receiver gets the relays' passwords", "daemon/supervisor_files.c",
     "c->kind == ROLE_WORKER ? is_workers : is_receivers, &e);",
     "c->kind == ROLE_WORKER || is_receivers != NULL ? is_workers\n"
     "		: is_receivers, &e);",
     [*PYTEST, "tests/system/test_escape.py", "-k", "secrets"]),
    ("jail: a worker that may not makes no room", "delivery/worker.c",
     "	if (!w->leaving && !confine_worker_covers(",
     "	if (w->leaving && !confine_worker_covers(",
     [*PYTEST, "tests/system/test_escape.py", "-k", "makes_room"]),
    ("a dot is not taken off", "queue/session_data.c",
     "			run = ++p;", "			run = p++;",
     ["unit", "queue/session_model"]),
    ("a recipient twice", "queue/session_mail.c",
     "	if (there) {", "	if (there && s->nrcpt > 9) {",
     ["unit", "queue/session_model"]),
    ("RSET forgets nothing", "queue/session_verb.c",
     "	case VERB_RSET:\n		session_reset(s);\n",
     "	case VERB_RSET:\n",
     ["unit", "queue/session_model"]),
    ("errors are not counted", "queue/session_reply.c",
     "		s->errors++;", "		s->errors += 0;",
     ["unit", "queue/session_model"]),
    ("a message may end with a bare CR", "queue/session_data.c",
     "	if (s->last && s->cr) {", "	if (s->last && s->cr && s->left > 0) {",
     ["unit", "queue/session_model"]),
    ("STARTTLS forgets nothing", "queue/session_tls.c",
     "	s->hello = HELLO_NONE;\n", "	(void)0;\n",
     ["unit", "queue/session_model"]),
    ("mass mail is not shed", "queue/session_load.c",
     "	if (s->room == SESSION_ROOM ||",
     "	if (s->room != SESSION_NO_MEMORY ||",
     ["unit", "queue/session_model"]),
    ("a high load hurries nobody", "queue/load.c",
     "		   ? min_of(timeout_us, (int64_t)LOAD_PATIENCE_S * SECOND_US)",
     "		   ? timeout_us",
     ["unit", "queue/load"]),
    ("sessions have no budget", "queue/client_load.c",
     "	if (all->memory_bytes >= all->settings->guard.memory_bytes)\n"
     "		return SESSION_NO_MEMORY;\n", "",
     [*PYTEST, "tests/system/test_load.py", "-k", "budget"]),
]


def spoil(tree, name, file, old, new):
    path = tree / file
    text = path.read_text()
    if text.count(old) != 1:
        raise SystemExit(f"sabotage {name}: {file} has changed: the text to "
                         f"spoil stands there {text.count(old)} times")
    path.write_text(text.replace(old, new))


def run(tree, build, what):
    # By its name in the tree, so that a copy of the tree is built already.
    env = dict(os.environ, BUILD=str(build))
    build = build.relative_to(tree)
    if what[0] == "sim":
        target, command = [str(build / "sim")], [str(build / "sim"), what[1]]
    elif what[0] == "months":
        target = [str(build / "months")]
        command = [str(build / "months"), what[1], "1", "2"]
    elif what[0] == "years":
        target = [str(build / "years")]
        command = [str(build / "years"), what[1], "1", "2"]
    elif what[0] == "unit":
        target = command = [str(build / f"tests/{what[1]}.test")]
    elif what[0] == "kill":
        target = ["all", "bench-tools"]
        command = ["/usr/bin/python3", "tests/crash/kill.py", "--build", env["BUILD"],
                   "--kills", what[1], "--seed", "5"]
    else:
        target, command = ["all"], what
    made = subprocess.run(["make", "-s", "-j2", f"BUILD={build}", "WERROR=", *target],
                          cwd=tree, capture_output=True, text=True, timeout=300)
    if made.returncode != 0:
        raise SystemExit(f"sabotage: it does not build:\n{made.stderr[-2000:]}")
    try:
        return subprocess.run(command, cwd=tree, env=env, capture_output=True,
                              text=True, timeout=240).returncode
    except subprocess.TimeoutExpired:
        return 124


def one(tree, row):
    """True: the test of this sabotage fails."""
    name, file, old, new, test = row
    kept = (tree / file).read_text()
    spoil(tree, name, file, old, new)
    try:
        good = run(tree, tree / "build", test) != 0
    finally:
        (tree / file).write_text(kept)
        os.utime(tree / file)
    print(f"sabotage: {name}: {'caught' if good else 'NOT CAUGHT'}", flush=True)
    return good


def copy(tree):
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"],
                           cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout.splitlines()
    for f in files:
        if (ROOT / f).is_file():
            (tree / f).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / f, tree / f)


def main():
    rows = [s for s in SABOTAGES
            if " ".join(sys.argv[1:]) in " ".join([s[0], *s[4]])]
    base = pathlib.Path(tempfile.mkdtemp(prefix="mtq-sabotage-"))
    try:
        trees = [base / str(i) for i in range(LANES)]
        copy(trees[0])
        # Without a sabotage each of these tests passes: what fails below fails
        # because of it.
        for test in sorted({tuple(s[4]) for s in rows}):
            if run(trees[0], trees[0] / "build", list(test)) != 0:
                print(f"sabotage: {' '.join(test)} fails without one")
                return 1
        for tree in trees[1:]:
            shutil.copytree(trees[0], tree, symlinks=True)
        lanes = queue.SimpleQueue()
        for tree in trees:
            lanes.put(tree)

        def next_one(row):
            tree = lanes.get()
            try:
                return one(tree, row)
            finally:
                lanes.put(tree)
        with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
            caught = sum(pool.map(next_one, rows))
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(f"sabotage: {caught} of {len(rows)} caught")
    return 0 if caught == len(rows) > 0 else 1


sys.exit(main())
