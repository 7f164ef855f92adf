#include "allocations.h"

#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace covector::fuzz {
namespace {

std::atomic<std::int64_t> held{0};
std::atomic<std::int64_t> most{0};

void asked_for(std::int64_t together) {
  auto before = most.load();
  while (together > before && !most.compare_exchange_weak(before, together)) {
  }
}

void taken(std::size_t bytes) {
  asked_for(held += static_cast<std::int64_t>(bytes));
}

void returned(std::size_t bytes) {
  held -= static_cast<std::int64_t>(bytes);
}

}  // namespace

void restart_count() {
  held = 0;
  most = 0;
}

std::size_t most_bytes() {
  return static_cast<std::size_t>(most.load());
}

}  // namespace covector::fuzz

#ifdef __SANITIZE_ADDRESS__

extern "C" int __sanitizer_install_malloc_and_free_hooks(
    void (*taken)(const volatile void* memory, std::size_t bytes),
    void (*returned)(const volatile void* memory));
extern "C" std::size_t __sanitizer_get_allocated_size(const volatile void* memory);

void covector::fuzz::watch_allocations() {
  __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, std::size_t bytes) { taken(bytes); },
      [](const volatile void* memory) {
        if (memory) returned(__sanitizer_get_allocated_size(memory));
      });
}

#else

void covector::fuzz::watch_allocations() {}

// Names that glibc gives a program which replaces malloc.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
void __libc_free(void* memory);

// What is refused was asked for all the same.
static void* counted(void* memory, std::size_t asked) {
  using namespace covector::fuzz;
  if (memory)
    taken(malloc_usable_size(memory));
  else
    asked_for(held + static_cast<std::int64_t>(asked));
  return memory;
}

void* malloc(std::size_t bytes) {
  return counted(__libc_malloc(bytes), bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  return counted(__libc_calloc(count, bytes), count * bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  const auto before = memory ? malloc_usable_size(memory) : 0;
  auto* moved = __libc_realloc(memory, bytes);
  if (moved || bytes == 0) covector::fuzz::returned(before);
  return counted(moved, bytes);
}
void free(void* memory) {
  if (memory) covector::fuzz::returned(malloc_usable_size(memory));
  __libc_free(memory);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  return counted(__libc_memalign(alignment, bytes), bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return memalign(alignment, bytes);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  *memory = memalign(alignment, bytes);
  return *memory ? 0 : ENOMEM;
}
}

#endif
