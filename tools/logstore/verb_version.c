/* `logstore version`, also spelt `logstore --version`. */
#include <logstore/logstore.h>

#include "json_out.h"
#include "tool.h"

static void print_json(struct out *out)
{
	struct json json = json_line(out);

	json_text(&json, "name", "logstore");
	json_text(&json, "version", logstore_version());
	json_array(&json, "magic_read");
	for (int magic = 0; magic <= 2; magic++)
		json_int(&json, NULL, magic);
	json_array_end(&json);
	json_array(&json, "magic_written");
	json_int(&json, NULL, 2);
	json_array_end(&json);
	json_array(&json, "codecs");
	for (int codec = 0; logstore_codec_name(codec); codec++)
		json_text(&json, NULL, logstore_codec_name(codec));
	json_array_end(&json);
	json_text(&json, "io", logstore_io_threads()->name);
	json_text(&json, "compiler", __VERSION__);
	json_line_end(&json);
}

int verb_version(struct tool *tool)
{
	if (args_has(&tool->args, OPT_JSON))
		print_json(&tool->out);
	else
		out_format(&tool->out, "logstore %s\n", logstore_version());
	return EXIT_STATUS_OK;
}
