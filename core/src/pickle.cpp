#include "pickle.h"

#include "number_type.h"

#include <bit>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

namespace covector {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument(what);
}

// Numbers of the instructions, from CPython's Lib/pickletools.py.
enum class Op : unsigned char {
  mark = '(',
  stop = '.',
  pop = '0',
  float64 = 'G',
  int32 = 'J',
  uint8 = 'K',
  uint16 = 'M',
  none = 'N',
  persistent = 'Q',
  reduce = 'R',
  text32 = 'X',
  append = 'a',
  build = 'b',
  global = 'c',
  append_all = 'e',
  get8 = 'h',
  get32 = 'j',
  put8 = 'q',
  put32 = 'r',
  set_item = 's',
  tuple = 't',
  set_items = 'u',
  dict = '}',
  list = ']',
  empty_tuple = ')',
  protocol = 0x80,
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  yes = 0x88,
  no = 0x89,
  long8 = 0x8A,
  text8 = 0x8C,
  text64 = 0x8D,
  stack_global = 0x93,
  memoize = 0x94,
  frame = 0x95,
};

enum class Kind { none, number, text, tuple, list, dict, name, storage, tensor };

/// A value by its place in the heap: values refer to each other in circles where a file wants it.
using Ref = std::size_t;

struct Value {
  Kind kind = Kind::none;
  std::optional<std::int64_t> integer;  // of a number that is one
  std::string text;                     // of a text; of a name, "torch.FloatStorage"
  std::vector<Ref> items;               // of a dict: key, value, key, value ...
  PickledTensor tensor;                 // of a tensor; of a storage, what is known of it
};

const char* describe(Kind kind) {
  switch (kind) {
    case Kind::none:
      return "nothing";
    case Kind::number:
      return "a number";
    case Kind::text:
      return "a text";
    case Kind::tuple:
    case Kind::list:
      return "a list";
    case Kind::dict:
      return "a dict";
    case Kind::name:
      return "a name";
    case Kind::storage:
      return "a storage";
    case Kind::tensor:
      return "a tensor";
  }
  return "?";
}

constexpr std::string_view kOrderedDict = "collections.OrderedDict";
constexpr std::string_view kSize = "torch.Size";
constexpr std::string_view kTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kParameter = "torch._utils._rebuild_parameter";

const NumberType* storage_type(std::string_view name) {
  constexpr std::string_view kModule = "torch.";
  return name.starts_with(kModule) ? find_type(&NumberType::storage, name.substr(kModule.size()))
                                   : nullptr;
}

/// Throws when a window reaches outside its storage or has more numbers than that.
void check_window(const PickledTensor& tensor) {
  const auto wrong = [] { refuse("a tensor's window does not lie in what is stored"); };
  if (tensor.sizes.size() != tensor.strides.size() || tensor.sizes.size() > 64) wrong();
  std::int64_t count = 1;
  std::int64_t last = tensor.offset;
  bool empty = false;
  for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
    const auto size = tensor.sizes[i];
    std::int64_t reach = 0;
    if (size < 0 || tensor.strides[i] < 0) wrong();
    empty = empty || size == 0;
    if (size > 0 &&
        (__builtin_mul_overflow(size - 1, tensor.strides[i], &reach) ||
         __builtin_add_overflow(last, reach, &last) || __builtin_mul_overflow(count, size, &count)))
      wrong();
  }
  if (tensor.offset < 0 || tensor.stored < 0) wrong();
  if (!empty && (last >= tensor.stored || count > tensor.stored)) wrong();
}

class Machine {
 public:
  explicit Machine(std::string_view bytes) : bytes_(bytes) {}

  /// Runs to the end; the value that is left.
  Ref run() {
    while (true) {
      const auto op = Op{static_cast<unsigned char>(take(1)[0])};
      if (op == Op::stop) return pop();
      if (!constant(op) && !remember(op) && !collect(op) && !build(op))
        refuse("it uses instruction " + std::to_string(static_cast<int>(op)) +
               " of pickle, which data does not need");
    }
  }
  const Value& at(Ref ref) const { return heap_[ref]; }

 private:
  // ---- bytes

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size()) refuse("its pickle ends in the middle");
    const auto part = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return part;
  }
  template <class Number>
  Number number() {
    static_assert(std::endian::native == std::endian::little, "pickles are little-endian");
    Number value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string line() {
    const auto end = bytes_.find('\n');
    if (end == std::string_view::npos) refuse("its pickle ends in the middle");
    const std::string text(take(end));
    take(1);
    return text;
  }

  // ---- the stack

  Ref make(Value value) {
    heap_.push_back(std::move(value));
    return heap_.size() - 1;
  }
  void push(Ref ref) { stack_.push_back(ref); }
  void push_new(Kind kind) { push(make({kind, {}, {}, {}, {}})); }
  Ref pop() {
    const auto floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor) refuse("its pickle takes more than it made");
    const auto ref = stack_.back();
    stack_.pop_back();
    return ref;
  }
  Value& top(Kind kind) {
    if (stack_.empty() || heap_[stack_.back()].kind != kind)
      refuse(std::string("its pickle fills something that is not ") + describe(kind));
    return heap_[stack_.back()];
  }
  std::vector<Ref> above_mark() {
    if (marks_.empty()) refuse("its pickle takes more than it made");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    const std::vector<Ref> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }
  std::vector<Ref> pop_many(std::size_t count) {
    std::vector<Ref> items(count);
    for (auto i = count; i-- > 0;) items[i] = pop();
    return items;
  }

  // ---- instructions, by theme; each says whether it knew the one given

  bool constant(Op op) {
    switch (op) {
      case Op::none:
        return push_new(Kind::none), true;
      case Op::yes:
      case Op::no:
        return push_integer(op == Op::yes), true;
      case Op::uint8:
        return push_integer(number<std::uint8_t>()), true;
      case Op::uint16:
        return push_integer(number<std::uint16_t>()), true;
      case Op::int32:
        return push_integer(number<std::int32_t>()), true;
      case Op::long8:
        return push_long(take(number<std::uint8_t>())), true;
      case Op::float64:
        return take(8), push_new(Kind::number), true;
      case Op::text8:
        return push_text(number<std::uint8_t>()), true;
      case Op::text32:
        return push_text(number<std::uint32_t>()), true;
      case Op::text64:
        return push_text(number<std::uint64_t>()), true;
      case Op::protocol:
        return take(1), true;
      case Op::frame:
        return take(8), true;
      default:
        return false;
    }
  }
  void push_integer(std::int64_t value) { push(make({Kind::number, value, {}, {}, {}})); }
  /// Little-endian, two's complement, as few bytes as it takes; more than 8 are no size of
  /// anything.
  void push_long(std::string_view digits) {
    if (digits.size() > 8) return push_new(Kind::number);
    std::uint64_t value = !digits.empty() && (digits.back() & 0x80) ? ~std::uint64_t{0} : 0;
    std::memcpy(&value, digits.data(), digits.size());
    push_integer(static_cast<std::int64_t>(value));
  }
  void push_text(std::uint64_t length) {
    push(make({Kind::text, {}, std::string(take(length)), {}, {}}));
  }

  bool remember(Op op) {
    switch (op) {
      case Op::put8:
        return memo_[number<std::uint8_t>()] = peek(), true;
      case Op::put32:
        return memo_[number<std::uint32_t>()] = peek(), true;
      case Op::memoize:
        return memo_[static_cast<std::uint32_t>(memo_.size())] = peek(), true;
      case Op::get8:
        return push(recall(number<std::uint8_t>())), true;
      case Op::get32:
        return push(recall(number<std::uint32_t>())), true;
      default:
        return false;
    }
  }
  Ref peek() {
    if (stack_.empty()) refuse("its pickle takes more than it made");
    return stack_.back();
  }
  Ref recall(std::uint32_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) refuse("its pickle refers to what it did not make");
    return found->second;
  }

  bool collect(Op op) {
    switch (op) {
      case Op::mark:
        return marks_.push_back(stack_.size()), true;
      case Op::pop:
        return pop(), true;
      case Op::dict:
        return push_new(Kind::dict), true;
      case Op::list:
        return push_new(Kind::list), true;
      case Op::empty_tuple:
        return push_tuple({}), true;
      case Op::tuple1:
      case Op::tuple2:
      case Op::tuple3:
        return push_tuple(pop_many(static_cast<std::size_t>(op) -
                                   static_cast<std::size_t>(Op::tuple1) + 1)),
               true;
      case Op::tuple:
        return push_tuple(above_mark()), true;
      case Op::append:
        return fill(Kind::list, pop_many(1)), true;
      case Op::append_all:
        return fill(Kind::list, above_mark()), true;
      case Op::set_item:
        return fill(Kind::dict, pop_many(2)), true;
      case Op::set_items:
        return fill(Kind::dict, above_mark()), true;
      default:
        return false;
    }
  }
  void push_tuple(std::vector<Ref> items) {
    push(make({Kind::tuple, {}, {}, std::move(items), {}}));
  }
  void fill(Kind kind, const std::vector<Ref>& items) {
    auto& all = top(kind).items;
    if (kind == Kind::dict && items.size() % 2 != 0) refuse("its pickle has a key without a value");
    all.insert(all.end(), items.begin(), items.end());
  }

  bool build(Op op) {
    switch (op) {
      case Op::global: {
        const auto module = line();
        return push_name(module + "." + line()), true;
      }
      case Op::stack_global: {
        const auto parts = pop_many(2);
        return push_name(at(parts[0]).text + "." + at(parts[1]).text), true;
      }
      case Op::persistent:
        return push(storage(at(pop()))), true;
      case Op::reduce: {
        const auto parts = pop_many(2);
        return push(made(at(parts[0]), at(parts[1]))), true;
      }
      case Op::build:
        // Attributes of a dict, such as the versions in _metadata: no entries, no weights.
        return pop(), static_cast<void>(top(Kind::dict)), true;
      default:
        return false;
    }
  }
  /// Names are only ever compared.
  void push_name(const std::string& name) {
    const bool is_data = name == kOrderedDict || name == kSize || name == kTensor ||
                         name == kParameter || storage_type(name) != nullptr;
    if (!is_data)
      refuse("it wants Python to use '" + name +
             "', which is no dict of tensors, and nothing of it was run. Where the file can be "
             "trusted, save its weights alone: torch.save(model.state_dict(), ...)");
    push(make({Kind::name, {}, name, {}, {}}));
  }
  /// ("storage", type, key, device, count)
  Ref storage(const Value& id) {
    const auto part = [&](std::size_t i, Kind kind) -> const Value& {
      if (id.kind != Kind::tuple || i >= id.items.size() || at(id.items[i]).kind != kind)
        refuse("a storage is not described as torch.save() does");
      return at(id.items[i]);
    };
    if (part(0, Kind::text).text != "storage") refuse("it refers to something outside");
    const auto* type = storage_type(part(1, Kind::name).text);
    const auto count = part(4, Kind::number).integer;
    if (!type || !count) refuse("a storage is not described as torch.save() does");
    return make(
        {Kind::storage, {}, {}, {}, {part(2, Kind::text).text, type->type, *count, 0, {}, {}}});
  }
  /// What a call would give.
  Ref made(const Value& callee, const Value& arguments) {
    const auto wrong = [&]() -> Ref { refuse("a call of '" + callee.text + "' is not as usual"); };
    if (callee.kind != Kind::name || arguments.kind != Kind::tuple) return wrong();
    const auto count = arguments.items.size();
    if (callee.text == kOrderedDict)
      return count == 0 ? make({Kind::dict, {}, {}, {}, {}}) : wrong();
    if (callee.text == kSize)
      return count == 1 && at(arguments.items[0]).kind == Kind::tuple ? arguments.items[0]
                                                                      : wrong();
    if (callee.text == kParameter)
      return count == 3 && at(arguments.items[0]).kind == Kind::tensor ? arguments.items[0]
                                                                       : wrong();
    if (callee.text != kTensor || count < 4 || at(arguments.items[0]).kind != Kind::storage)
      return wrong();
    auto tensor = at(arguments.items[0]).tensor;
    tensor.offset = at(arguments.items[1]).integer.value_or(-1);
    tensor.sizes = integers(at(arguments.items[2]));
    tensor.strides = integers(at(arguments.items[3]));
    check_window(tensor);
    return make({Kind::tensor, {}, {}, {}, std::move(tensor)});
  }
  std::vector<std::int64_t> integers(const Value& tuple) const {
    std::vector<std::int64_t> all;
    for (const auto item : tuple.items) all.push_back(at(item).integer.value_or(-1));
    return all;
  }

  std::string_view bytes_;  // what is left of them
  std::deque<Value> heap_;  // whose places stay while it grows
  std::vector<Ref> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, Ref> memo_;
};

/// Walks through dicts of dicts, each once.
class Walk {
 public:
  explicit Walk(const Machine& machine) : machine_(machine) {}

  PickledDict run(Ref root) {
    visit(root, "", "", 0);
    for (const auto& [outermost, count] : deeper_)
      result_.others.push_back(outermost + ": " + std::to_string(count) + " entries");
    return std::move(result_);
  }

 private:
  void visit(Ref dict, const std::string& path, const std::string& outermost, int depth) {
    constexpr int kDeepest = 32;
    if (depth > kDeepest) refuse("its dicts are nested too deeply");
    const auto& items = machine_.at(dict).items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      const auto name = key_of(machine_.at(items[i]));
      const auto& value = machine_.at(items[i + 1]);
      if (value.kind == Kind::tensor)
        result_.tensors.push_back({path, name, value.tensor});
      else if (value.kind == Kind::dict && seen_.insert(items[i + 1]).second)
        visit(items[i + 1], path + name + ".", depth == 0 ? name : outermost, depth + 1);
      else if (depth == 0)
        result_.others.push_back(name + ": " + describe(value.kind));
      else
        ++deeper_[outermost];
    }
  }
  static std::string key_of(const Value& key) {
    if (key.kind == Kind::text) return key.text;
    return key.integer ? std::to_string(*key.integer) : describe(key.kind);
  }

  const Machine& machine_;
  PickledDict result_;
  std::map<std::string, std::size_t> deeper_;  // what is no tensor, by the outermost key
  std::unordered_set<Ref> seen_;
};

}  // namespace

PickledDict read_pickle(std::string_view bytes) {
  Machine machine(bytes);
  const auto root = machine.run();
  if (machine.at(root).kind != Kind::dict)
    refuse(std::string("it holds ") + describe(machine.at(root).kind) +
           ", not a dict of tensors; save model.state_dict()");
  return Walk(machine).run(root);
}

}  // namespace covector
