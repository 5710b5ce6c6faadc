#include "admin/utf8.h"

size_t
utf8_take(const char *s, size_t left, uint32_t *code)
{
	/* By length: the least number it may spell; what is shorter is
	 * malformed when it is longer. */
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)s;
	size_t n;
	uint32_t c;

	must(left > 0);
	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (left < n)
		return 0;
	c = p[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fU);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return n;
}

bool
utf8_is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

bool
utf8_repair(struct bytes *out, const char *p, size_t n)
{
	bool tame = true;
	uint32_t code;

	for (size_t i = 0; i < n;) {
		size_t k = utf8_take(p + i, n - i, &code);

		if (k == 0) {
			bytes_add_text(out, "\xef\xbf\xbd"); /* U+FFFD */
			i++;
			continue;
		}
		tame = tame && !utf8_is_control(code);
		bytes_add(out, p + i, k);
		i += k;
	}
	return tame;
}
