/* Texts, names and protocol codes of error numbers: the table of <logstore/error.h> looked up. */
#ifndef LS_BASE_ERROR_TEXT_H
#define LS_BASE_ERROR_TEXT_H

#include <stdint.h>

const char *ls_error_text(int code);
const char *ls_error_name(int code);
int16_t ls_error_kafka_code(int code);

#endif
