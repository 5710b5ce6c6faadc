/* A name beyond ASCII becomes a name that DNS may be asked for, or none; and that
 * one is its own mapping. */
#include <string.h>

#include "delivery/idna.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ROOM = 256 };

static bool
is_ascii(const char *p)
{
	for (; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			return false;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	char name[2048], out[ROOM], again[ROOM];

	if (n >= sizeof name)
		return 0;
	memcpy(name, data, n);
	name[n] = '\0';
	if (!idna_ascii(name, out, sizeof out))
		return 0;
	if (is_ascii(name)) {
		must(strcmp(name, out) == 0);
		return 0;
	}
	must(out[0] != '\0' && strlen(out) <= IDNA_NAME_MOST);
	must(strspn(out, allowed) == strlen(out));
	must(strstr(out, "..") == NULL);
	must(idna_ascii(out, again, sizeof again) && strcmp(out, again) == 0);
	return 0;
}
