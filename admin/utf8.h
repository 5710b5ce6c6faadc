/*
 * utf8 - texts from mail, made fit for JSON and for a terminal.
 *
 * Source   RFC 3629; RFC 8259 8.1 (JSON is UTF-8: jansson refuses anything
 *          else, and the whole object with it).
 */
#ifndef MTQ_UTF8_H
#define MTQ_UTF8_H

#include "daemon/bytes.h"

/* Octets of the well-formed character at p; 0 if it is malformed.  *code is
 * its number. */
size_t utf8_take(const char *p, size_t n, uint32_t *code) MUST_USE;
/* Appends p[0..n), each malformed octet as U+FFFD.  False: it holds controls
 * or characters that turn the direction of text, which a terminal must not
 * get as they are. */
bool utf8_repair(struct bytes *out, const char *p, size_t n) MUST_USE;
/* Does the character move the cursor, hide, or turn other text around? */
bool utf8_is_control(uint32_t code) MUST_USE;

#endif
