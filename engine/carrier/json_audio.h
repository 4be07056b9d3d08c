/*
 * carrier/json_audio.h - which messages the dialect of audio in JSON knows: for its detection.
 */
#ifndef VE_CARRIER_JSON_AUDIO_H
#define VE_CARRIER_JSON_AUDIO_H

#include "base/json.h"

enum ve_json_kind {
    VE_JSON_KIND_OTHER,
    VE_JSON_KIND_START, /* of the family "media": what will come */
    VE_JSON_KIND_MEDIA,
    VE_JSON_KIND_AUDIO, /* of the family "streamAudio" */
    VE_JSON_KIND_STOP,
};

enum ve_json_kind ve_json_audio_kind(const struct ve_json *json);

#endif
