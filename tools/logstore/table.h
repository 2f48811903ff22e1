/*
 * Small tables on standard output, aligned by libsmartcols. For tables that grow with the data (batches,
 * records) rows are written as they come instead.
 */
#ifndef TOOL_TABLE_H
#define TOOL_TABLE_H

#include "tool.h"

struct table_column {
	const char *name;
	bool right; /* aligned to the right */
};

struct table;

/* Returns NULL without memory. */
struct table *table_new(const struct tool *tool, const struct table_column *columns, size_t count);
void table_free(struct table *table);

/* Begins a row, then one call per cell from left to right. Lack of memory shows in table_print(). */
void table_row(struct table *table);
void table_cell(struct table *table, const char *text);
void table_cell_int(struct table *table, int64_t value);
/* The same with a colour ("red", "yellow", "green") where colour is on. */
void table_cell_color(struct table *table, const char *text, const char *color);

/* Prints and empties the table. Returns 0, or prints what is wrong and returns an exit status. */
int table_print(struct table *table, struct tool *tool);

#endif
