#include "queue/destination.h"

#include <assert.h>
#include <string.h>

void
destination_of(struct text address, char out[ADDRESS_DOMAIN_MOST + 1])
{
	static_assert(ROUTING_DOMAIN == ADDRESS_DOMAIN_MOST + 1, "one size");

	if (!routing_domain(address, out))
		out[0] = '\0';
}

uint32_t
destination_hash(const char *domain)
{
	return crc32c(0, domain, strlen(domain));
}

uint16_t
destination_place(size_t relay, const char *domain)
{
	uint32_t r = (uint32_t)relay;
	uint32_t h = crc32c(crc32c(0, &r, sizeof r), domain, strlen(domain));

	return (uint16_t)(h % DESTINATION_PLACES);
}

bool
destination_room(const struct destinations *d, uint16_t place, uint32_t most)
{
	must(place < DESTINATION_PLACES);
	return d->jobs[place] < (d->failing[place] ? 1U : most);
}

void
destination_began(struct destinations *d, uint16_t place, uint32_t nrcpt,
		  const struct rate *rate, int64_t steady_us)
{
	must(place < DESTINATION_PLACES && d->jobs[place] < UINT16_MAX);
	d->jobs[place]++;
	if (rate == NULL || rate->window_us == 0)
		return;
	d->paced_us[place] = max_of(d->paced_us[place], steady_us) +
			     (int64_t)nrcpt * rate->window_us /
				 (int64_t)max_of(rate->count, (uint64_t)1);
}

void
destination_ended(struct destinations *d, uint16_t place)
{
	must(place < DESTINATION_PLACES && d->jobs[place] > 0);
	d->jobs[place]--;
}
