#include "queue/load.h"

#include "daemon/now.h"

enum { PERCENT_MOST = 999 };

const char *
load_words(enum load_part p)
{
	static const char *const words[LOAD_COUNT] = {
#define P(id, words) [LOAD_##id] = words,
	    LOAD_PARTS(P)
#undef P
	};

	return words[p];
}

static unsigned
percent(uint64_t used, uint64_t most)
{
	if (most == 0)
		return 0;
	if (used / most >= PERCENT_MOST / 100)
		return PERCENT_MOST;
	if (used > UINT64_MAX / 100)
		return (unsigned)(used / (most / 100));
	return (unsigned)(used * 100 / most);
}

bool
load_update(struct load *l, const struct load_use *u, uint64_t shed_at)
{
	const bool before = l->high;

	l->percent = 0;
	for (unsigned i = 0; i < LOAD_COUNT; i++) {
		unsigned now = percent(u->used[i], u->most[i]);

		if (i > 0 && now <= l->percent)
			continue;
		l->percent = now;
		l->worst = (enum load_part)i;
	}
	l->high = l->percent >= shed_at ||
		  (before && l->percent + LOAD_SLACK > shed_at);
	return l->high != before;
}

uint64_t
load_share(const struct load *l, uint64_t most)
{
	return l->high ? max_of(most / LOAD_SHARE_PART, (uint64_t)1) : most;
}

int64_t
load_patience(const struct load *l, int64_t timeout_us)
{
	return l->high
		   ? min_of(timeout_us, (int64_t)LOAD_PATIENCE_S * SECOND_US)
		   : timeout_us;
}

bool
load_fast_enough(const struct load *l, uint64_t bytes, int64_t age_us)
{
	if (!l->high || age_us <= (int64_t)LOAD_GRACE_S * SECOND_US)
		return true;
	return bytes >= (uint64_t)(age_us / SECOND_US) * LOAD_SLOWEST_BYTES_S;
}
