"""Optimizers, schedules, resumable fit, distillation and device-aware fine-tuning."""
