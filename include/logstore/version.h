/* Version of the header a program was compiled against. logstore_version() tells the one it runs with. */
#ifndef LOGSTORE_VERSION_H
#define LOGSTORE_VERSION_H

#define LOGSTORE_VERSION_MAJOR 0
#define LOGSTORE_VERSION_MINOR 1
#define LOGSTORE_VERSION_PATCH 0

#endif
