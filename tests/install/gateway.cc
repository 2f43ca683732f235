/* The header is C++, too: opens a tap, pushes one message, closes. `gateway_cxx CONFIG` */
#include <convtap.h>

#include <cstdio>
#include <cstring>

int main(int argc, char **argv)
{
    char problem[256];
    ct_tap_handle *tap = ct_tap_open(argc > 1 ? argv[1] : nullptr, problem, sizeof problem);
    if (tap == nullptr) {
        std::fprintf(stderr, "%s\n", problem);
        return 1;
    }
    static const char text[] = R"({"conversation_id":"cxx","role":"user","text":"hola"})";
    ct_tap_result result = ct_tap_push(tap, text, std::strlen(text), "convtap", CT_TAP_IN, 0);
    int synced = ct_tap_sync(tap);
    ct_tap_close(tap);
    return result == CT_TAP_TAKEN && synced == 0 ? 0 : 1;
}
