#include <stddef.h>
#include <stdint.h>
#include WIRE

struct frame {
  uint32_t can_id;
  uint8_t length, flags, channel, reserved, payload[64];
  int64_t t_ns;
};

static inline int decode(const struct frame *frame, double *values) {
  switch (frame->can_id) {
$decode_cases
  }
  return 1;
}

static inline int encode(long message, const double *values, struct frame *frame) {
  switch (message) {
$encode_cases
  }
  return 1;
}

long decode_all(const struct frame *frames, long size, long passes, double *values) {
  long refused = 0;
  for (long pass = 0; pass < passes; pass++)
    for (long i = 0; i < size; i++)
      refused += decode(frames + i, values);
  return refused;
}

long encode_all(const int64_t *order, long size, long passes, const double *values,
                struct frame *frames) {
  long refused = 0;
  for (long pass = 0; pass < passes; pass++)
    for (long i = 0; i < size; i++)
      refused += encode(order[i], values, frames + i);
  return refused;
}
