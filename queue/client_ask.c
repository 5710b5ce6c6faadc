/* client_suppressed: what the session asks of the queue. */
#include "daemon/log.h"
#include "queue/client_private.h"
#include "queue/suppress.h"

/*
 * In the loop, and yet no wait: a read transaction takes no lock that a writer
 * holds, it reads the map.  A page that is not in memory costs one read of the
 * disk, as any page of ours does that was swapped out.  What can't be read now
 * is taken: it is asked for again before the first attempt.
 */
bool
client_suppressed(void *arg, struct text address, int64_t now_us)
{
	struct clients *all = arg;
	struct suppress_record r;
	struct err e = {.kind = ERR_NONE};
	struct txn *t = store_begin(all->store, false, &e);
	bool found = false, ok = t != NULL;

	ok = ok && suppress_find(t, address, now_us, &found, &r, &e);
	store_abort(t);
	if (!ok)
		log_event(EVENT_STORE_FAILED, NULL, "%s", e.text);
	return ok && found;
}

enum return_path_answer
client_returns(void *arg, struct text local, int64_t now_us,
	       struct return_path *out)
{
	struct clients *all = arg;

	return return_path_parse(
	    local, &all->key, all->settings->returns.expires_us, now_us, out);
}
