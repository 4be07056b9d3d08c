/*
 * carrier/control.h - the messages that steer a call, as Ringover takes them; always JSON text.
 * Other dialects send them beside their audio.
 */
#ifndef VE_CARRIER_CONTROL_H
#define VE_CARRIER_CONTROL_H

#include "carrier/carrier.h"

/* {"event":"digits","data":123}: a number, or a text where a number would lose something. */
int ve_control_digits(struct ve_carrier *carrier, struct ve_str digits, struct ve_buf *out);
/* {"event":"transfer","data":"33612345678"}: without '+'. */
int ve_control_transfer(struct ve_carrier *carrier, struct ve_str number, struct ve_buf *out);
/* {"event":"play","file":"https://..."} */
int ve_control_play_url(struct ve_carrier *carrier, struct ve_str url, struct ve_buf *out);

#endif
