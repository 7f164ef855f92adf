#pragma once

/// Marks what a library shows; everything else is compiled hidden.
#define COVECTOR_API __attribute__((visibility("default")))
