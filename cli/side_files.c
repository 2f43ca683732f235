/* side_files.c - see side_files.h. */
#include "cli/side_files.h"

static bool on_stdout(const struct ct_side_file *file)
{
    return file->path && strcmp(file->path, "-") == 0;
}

static int check_inputs(const struct ct_command *command, const struct ct_side_file *file,
                        const struct ct_input_list *inputs, const char *input)
{
    const char *replaced = NULL;
    if (on_stdout(file) || ct_result_is_sink(file->path)) {
        return -1;
    }
    for (size_t i = 0; i < inputs->count && !replaced; i++) {
        replaced = ct_result_same(file->path, inputs->files[i].path) ? inputs->files[i].path : NULL;
    }
    if (!replaced && input && ct_result_same(file->path, input)) {
        replaced = input;
    }
    return replaced ? ct_options_fail(command, CT_EXIT_USAGE, "--%s would replace the input %s", file->option, replaced)
                    : -1;
}

int ct_side_files_check(const struct ct_command *command, const struct ct_side_file *files, size_t count,
                        const char *taken, const struct ct_input_list *inputs, const char *input)
{
    struct ct_error err = {0};
    for (size_t i = 0; i < count; i++) {
        if (!files[i].path) {
            continue;
        }
        if (ct_result_probe(files[i].path, &err) != CT_OK) {
            return ct_options_fail(command, CT_EXIT_OUTPUT, "--%s: %s", files[i].option, err.text);
        }
        if (on_stdout(&files[i]) && taken) {
            return ct_options_fail(command, CT_EXIT_USAGE, "--%s and --%s both want standard output", taken,
                                   files[i].option);
        }
        taken = on_stdout(&files[i]) ? files[i].option : taken;
        for (size_t j = 0; j < i; j++) {
            if (files[j].path && !on_stdout(&files[i]) && !ct_result_is_sink(files[i].path) &&
                (strcmp(files[i].path, files[j].path) == 0 || ct_result_same(files[i].path, files[j].path))) {
                return ct_options_fail(command, CT_EXIT_USAGE, "--%s and --%s both want %s", files[j].option,
                                       files[i].option, files[i].path);
            }
        }
        int code = check_inputs(command, &files[i], inputs, input);
        if (code >= 0) {
            return code;
        }
    }
    return -1;
}

bool ct_side_files_on_stdout(const struct ct_side_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (on_stdout(&files[i])) {
            return true;
        }
    }
    return false;
}

enum ct_status ct_side_files_open(struct ct_side_file *files, size_t count, struct ct_error *err)
{
    enum ct_status status = CT_OK;
    for (size_t i = 0; i < count && status == CT_OK; i++) {
        status = files[i].path ? ct_result_open(&files[i].result, files[i].path, err) : CT_OK;
    }
    return status;
}

enum ct_status ct_side_files_place(struct ct_side_file *files, size_t count, struct ct_error *err)
{
    enum ct_status status = CT_OK;
    for (size_t i = 0; i < count && status == CT_OK; i++) {
        status = files[i].path ? ct_result_close(&files[i].result, files[i].path, err) : CT_OK;
    }
    for (size_t i = 0; i < count && status == CT_OK; i++) {
        status = files[i].path ? ct_result_place(&files[i].result, files[i].path, err) : CT_OK;
    }
    return status;
}

void ct_side_files_drop(struct ct_side_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ct_result_drop(&files[i].result);
    }
}
