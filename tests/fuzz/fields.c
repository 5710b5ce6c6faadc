/* A file that somebody imports: whatever its octets are, each record stays
 * within its limits, its texts are whole, and what is made of it is a batch
 * that mtqd takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/suppress_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const struct fields *f)
{
	uint32_t crc = 0; /* every octet can be read */

	must(f->n <= FIELDS_MOST);
	for (size_t i = 0; i < f->n; i++) {
		must(f->value[i].n <= FIELDS_OCTETS);
		crc = crc32c_plain(crc, f->name[i].p, f->name[i].n);
		crc = crc32c_plain(crc, f->value[i].p, f->value[i].n);
	}
	must(f->n > 0 || crc == 0);
}

static void
make_entry(const struct fields *f)
{
	for (int form = 0; form < SUPPRESS_FORM_COUNT; form++) {
		char evidence[SUPPRESS_FORM_TEXT];
		struct suppress_entry s;
		struct bytes b = {0};
		struct err e;

		if (!suppress_form_read((enum suppress_form)form, f, &s,
					evidence, &e))
			continue;
		suppress_entry_add(&b, &s);
		must(suppress_batch_valid(
		    (struct text){(const char *)b.data, b.n}));
		bytes_free(&b);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fields *f = must_alloc(sizeof *f);
	struct fields_file *file;
	struct err e;
	FILE *in;

	if (size > 0) {
		in = fmemopen((void *)(uintptr_t)data, size, "r");
		must(in != NULL);
		file = fields_open(in);
		while (fields_next(file, f, &e)) {
			look(f);
			make_entry(f);
		}
		fields_close(file);
		fclose(in);
	}
	free(f);
	return 0;
}
