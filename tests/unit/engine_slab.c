/* engine_slab.c - pieces do not overlap, keep what is written into them, and their blocks go when they are given back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/slab.h"

enum { PIECES = 20000, TURNS = 200000 };

struct piece {
    uint32_t name, bytes;
    unsigned char mark;
};

static void fill(const struct ct_slab *slab, const struct piece *piece)
{
    memset(ct_slab_at(slab, piece->name), piece->mark, piece->bytes);
}

static void check(const struct ct_slab *slab, const struct piece *piece)
{
    const unsigned char *at = ct_slab_at(slab, piece->name);
    assert_int_equal((uintptr_t)at % CT_SLAB_UNIT, 0);
    for (uint32_t i = 0; i < piece->bytes; i++) {
        assert_int_equal(at[i], piece->mark);
    }
}

static void taken_and_given(void **state)
{
    static struct piece pieces[PIECES];
    struct ct_slab slab = {0};
    uint64_t seed = 1;
    size_t used = 0, most = 0;
    (void)state;
    memset(pieces, 0, sizeof pieces);
    for (int turn = 0; turn < TURNS; turn++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        struct piece *piece = &pieces[(seed >> 40) % PIECES];
        if (piece->name) {
            check(&slab, piece);
            used -= ct_slab_size(&slab, piece->name);
            ct_slab_give(&slab, piece->name);
            piece->name = 0;
        } else {
            piece->bytes = (uint32_t)((seed >> 20) % (turn % 50 ? 300 : CT_SLAB_PIECE_MAX)) + 1;
            piece->mark = (unsigned char)(seed >> 33);
            piece->name = ct_slab_take(&slab, piece->bytes);
            assert_true(piece->name);
            assert_int_equal(ct_slab_size(&slab, piece->name), ct_slab_class(piece->bytes));
            assert_true(ct_slab_size(&slab, piece->name) >= piece->bytes);
            used += ct_slab_size(&slab, piece->name);
            fill(&slab, piece);
        }
        most = used > most ? used : most;
    }
    assert_true(slab.bytes >= used && slab.bytes < most + most / 4 + ((size_t)CT_SLAB_CLASSES << 19));
    for (size_t i = 0; i < PIECES; i++) {
        if (pieces[i].name) {
            check(&slab, &pieces[i]);
            ct_slab_give(&slab, pieces[i].name);
        }
    }
    assert_true(slab.bytes <= 1 << 18); /* the spare one */
    ct_slab_done(&slab);
}

/* Numbers of blocks that are gone are used again: a long life does not run out of them. */
static void numbers_again(void **state)
{
    struct ct_slab slab = {0};
    uint32_t names[40];
    (void)state;
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < 40; i++) {
            names[i] = ct_slab_take(&slab, round % 2 ? 4096 : 3000);
            assert_true(names[i]);
        }
        for (int i = 0; i < 40; i++) {
            ct_slab_give(&slab, names[i]);
        }
    }
    assert_true(slab.block_count < 10);
    ct_slab_done(&slab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(taken_and_given), cmocka_unit_test(numbers_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
