/*
 * Tables over libsmartcols. The text is made in memory and goes through the tool's own output.
 */
#include "table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "report.h"

struct table {
	struct libscols_table *cols;
	struct libscols_line *line;
	size_t next_cell;
	bool failed;
};

struct table *table_new(const struct tool *tool, const struct table_column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof *table);

	if (!table)
		return NULL;
	table->cols = scols_new_table();
	if (!table->cols) {
		free(table);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		int flags = columns[i].right ? SCOLS_FL_RIGHT : 0;

		if (!scols_table_new_column(table->cols, columns[i].name, 0, flags))
			table->failed = true;
	}
	table->failed |= scols_table_enable_colors(table->cols, tool->color_out) != 0;
	table->failed |=
		scols_table_enable_noheadings(table->cols, args_has(&tool->args, OPT_NO_HEADINGS)) != 0;
	table->failed |= scols_table_set_column_separator(table->cols, "  ") != 0;
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	scols_unref_table(table->cols);
	free(table);
}

void table_row(struct table *table)
{
	table->line = scols_table_new_line(table->cols, NULL);
	table->next_cell = 0;
	table->failed |= !table->line;
}

void table_cell(struct table *table, const char *text)
{
	if (table->line)
		table->failed |= scols_line_set_data(table->line, table->next_cell, text) != 0;
	table->next_cell++;
}

void table_cell_int(struct table *table, int64_t value)
{
	char text[ENCODE_INT_MAX + 1];

	*put_int(text, value) = '\0';
	table_cell(table, text);
}

void table_cell_color(struct table *table, const char *text, const char *color)
{
	size_t at = table->next_cell;

	table_cell(table, text);
	if (table->line && !table->failed)
		table->failed |= scols_cell_set_color(scols_line_get_cell(table->line, at), color) != 0;
}

int table_print(struct table *table, struct tool *tool)
{
	char *text = NULL;

	if (!table || table->failed || scols_print_table_to_string(table->cols, &text) != 0) {
		free(text);
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory for the table");
	}
	if (text && text[0] != '\0') {
		out_text(&tool->out, text);
		if (text[strlen(text) - 1] != '\n')
			out_char(&tool->out, '\n');
	}
	free(text);
	scols_table_remove_lines(table->cols);
	table->line = NULL;
	return 0;
}
