/*
 * Settings: the public names of format/log_config.
 */
#include <logstore/config.h>

#include <errno.h>

#include "api/api.h"
#include "base/error.h"
#include "format/log_config.h"

int logstore_config_new(logstore_config **ret_config)
{
	struct ls_env env;

	if (!ret_config)
		return -EINVAL;
	ls_api_env_resolve(NULL, &env);
	return ls_config_new(&env, ret_config); /* copies it */
}

logstore_config *logstore_config_free(logstore_config *config)
{
	return ls_config_free(config);
}

int logstore_config_set(logstore_config *config, const char *name, const char *value,
                        struct logstore_error *ret_error)
{
	if (!config || !name)
		return ls_error(ret_error, -EINVAL, "the settings or the name is missing");
	return ls_config_set(config, name, value, ret_error);
}

const char *logstore_config_get(const logstore_config *config, const char *name)
{
	return config && name ? ls_config_get(config, name) : NULL;
}

int logstore_config_at(const logstore_config *config, size_t index, struct logstore_config_entry *ret_entry)
{
	return config && ret_entry ? ls_config_at(config, index, ret_entry) : 0;
}
