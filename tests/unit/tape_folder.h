/* The folder of a test's tape: made before each test, gone after it. */
#ifndef TAPE_FOLDER_H
#define TAPE_FOLDER_H

#include "tests/unit/tape_scratch.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

#endif
