#include "asc_network.h"

#include "asc_model.h"
#include "asc_resolver.h"
#include "asc_tables.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

alignas(16) uint8_t arena[ASC_ARENA_BYTES];
tflite::MicroInterpreter* interpreter = nullptr;

}  // namespace

bool asc_network_begin(void) {
  static AscResolver resolver;
  if (!asc_add_operators(resolver)) return false;
  static tflite::MicroInterpreter only(tflite::GetModel(asc_model), resolver, arena, sizeof arena);
  if (only.AllocateTensors() != kTfLiteOk) return false;
  interpreter = &only;
  return true;
}

int8_t* asc_network_input(void) { return interpreter->input(0)->data.int8; }

bool asc_network_run(float* probabilities) {
  if (interpreter->Invoke() != kTfLiteOk) return false;
  for (int i = 0; i < ASC_CLASSES; ++i) probabilities[i] = interpreter->output(0)->data.f[i];
  return true;
}

size_t asc_network_arena_bytes(void) { return interpreter->arena_used_bytes(); }
