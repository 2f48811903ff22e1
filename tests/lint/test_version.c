/* The version is written in three places that must agree: meson's project(), <logstore/version.h>, the library. */
#include <logstore/logstore.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	char header[64];

	(void)snprintf(header, sizeof header, "%d.%d.%d", LOGSTORE_VERSION_MAJOR, LOGSTORE_VERSION_MINOR,
	               LOGSTORE_VERSION_PATCH);
	printf("project %s, header %s, library %s\n", PROJECT_VERSION, header, logstore_version());
	return strcmp(header, PROJECT_VERSION) == 0 && strcmp(header, logstore_version()) == 0 ? 0 : 1;
}
