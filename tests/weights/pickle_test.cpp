#include "support/catch.h"

#include "pickle.h"
#include "weights/pickles.h"

using namespace covector;
using namespace covector::testing::pickles;
using Catch::Contains;
using Catch::StartsWith;

namespace {

const std::string kTwo = tensor(storage("0", 2), 0, {2}, {1});

}  // namespace

TEST_CASE("a dict of tensors, plain or ordered, with attributes and in other dicts", "[pickle]") {
  const auto state =
      dict({text("a.weight"), tensor(storage("7", 12, "HalfStorage"), 2, {2, 3}, {3, 1}),
            text("a.bias"), tensor(storage("8", 1, "LongStorage"), 0, {}, {})});
  // An OrderedDict takes its entries, then attributes: {"_metadata": OrderedDict()}
  const auto ordered =
      filled(ordered_dict(), {text("b"), kTwo}) + dict({text("_metadata"), ordered_dict()}) + "b";
  const auto read = read_pickle(whole(dict(
      {text("state_dict"), state, text("ema"), ordered, text("epoch"), number(3), text("name"),
       text("x"), text("optimiser"), dict({text("lr"), number(1), text("step"), number(2)})})));

  REQUIRE(read.tensors.size() == 3);
  CHECK(read.tensors[0].path == "state_dict.");
  CHECK(read.tensors[0].name == "a.weight");
  CHECK(read.tensors[0].tensor.storage == "7");
  CHECK(read.tensors[0].tensor.type == at::kHalf);
  CHECK(read.tensors[0].tensor.stored == 12);
  CHECK(read.tensors[0].tensor.offset == 2);
  CHECK(read.tensors[0].tensor.sizes == std::vector<std::int64_t>{2, 3});
  CHECK(read.tensors[0].tensor.strides == std::vector<std::int64_t>{3, 1});
  CHECK(read.tensors[1].tensor.sizes.empty());
  CHECK(read.tensors[2].path == "ema.");
  CHECK(read.tensors[2].name == "b");
  CHECK(read.others ==
        std::vector<std::string>{"epoch: a number", "name: a text", "optimiser: 2 entries"});
}

TEST_CASE("keys that are numbers, parameters, and what newer protocols write", "[pickle]") {
  const auto parameter =
      call(global("torch._utils", "_rebuild_parameter"), {kTwo, "\x88", ordered_dict()});
  // 0x95 a frame, 0x8C a short text, 0x94 to remember, 'h' to recall, 0x8A a number of 2 bytes
  const auto key = std::string("\x8C\x03") + "key" + "\x94";
  const auto long_number = std::string("\x8A\x02\x01\x01", 4);
  const auto read = read_pickle("\x80\x04\x95" + std::string(8, '\0') +
                                dict({key, parameter, long_number, kTwo}) + ".");
  REQUIRE(read.tensors.size() == 2);
  CHECK(read.tensors[0].name == "key");
  CHECK(read.tensors[1].name == "257");
}

TEST_CASE("a pickle that wants code is refused by name, nothing is called", "[pickle][errors]") {
  for (const auto& attack :
       {call(global("posix", "system"), {text("touch /tmp/owned")}),
        call(global("builtins", "eval"), {text("1")}), call(global("torch", "load"), {text("x")}),
        call(global("torch._utils", "_rebuild_tensor"), {text("x")})}) {
    const auto begin = attack.find('\n');
    const auto name = attack.substr(1, begin - 1) + "." +
                      attack.substr(begin + 1, attack.find('\n', begin + 1) - begin - 1);
    CHECK_THROWS_WITH(read_pickle(whole(dict({text("w"), attack}))),
                      StartsWith("it wants Python to use '" + name + "'") &&
                          Contains("nothing of it was run") &&
                          Contains("torch.save(model.state_dict()"));
  }
  // The same name put together on the stack: 0x93
  CHECK_THROWS_WITH(read_pickle(whole(text("os") + text("system") + "\x93")),
                    StartsWith("it wants Python to use 'os.system'"));
}

TEST_CASE("a window that reaches outside its storage is refused", "[pickle][errors]") {
  const auto read = [](const std::string& made) { read_pickle(whole(dict({text("w"), made}))); };
  const auto outside = "a tensor's window does not lie in what is stored";
  const auto six = storage("0", 6);
  CHECK_NOTHROW(read(tensor(six, 0, {2, 3}, {3, 1})));
  CHECK_NOTHROW(read(tensor(six, 1, {5}, {1})));
  CHECK_NOTHROW(read(tensor(six, 9, {0}, {1})));
  CHECK_THROWS_WITH(read(tensor(six, 2, {5}, {1})), outside);
  CHECK_THROWS_WITH(read(tensor(six, -1, {2}, {1})), outside);
  CHECK_THROWS_WITH(read(tensor(six, 0, {-2}, {1})), outside);
  CHECK_THROWS_WITH(read(tensor(six, 5, {2}, {-1})), outside);
  CHECK_THROWS_WITH(read(tensor(six, 0, {2, 2}, {1})), outside);
  CHECK_THROWS_WITH(read(tensor(storage("0", -6), 0, {2}, {1})), outside);
  // Numbers shown again and again: 2^30 of them out of 6
  CHECK_THROWS_WITH(read(tensor(six, 0, {1 << 30}, {0})), outside);
  // (2^31 - 1)^3 does not fit into 64 bits
  const auto most = 0x7FFFFFFF;
  CHECK_THROWS_WITH(read(tensor(six, 0, {most, most, most}, {0, 0, 0})), outside);
  CHECK_THROWS_WITH(read(tensor(six, 0, {most, most, most}, {most, most, most})), outside);
}

TEST_CASE("pickles that are no state dict, or damaged", "[pickle][errors]") {
  const auto refuses = [](const std::string& bytes, const std::string& why) {
    INFO(why);
    CHECK_THROWS_WITH(read_pickle(bytes), Contains(why));
  };
  refuses(whole(kTwo), "it holds a tensor, not a dict of tensors; save model.state_dict()");
  refuses(whole("]"), "it holds a list, not a dict");
  refuses(whole("N"), "it holds nothing, not a dict");
  refuses("", "its pickle ends in the middle");
  refuses(".", "its pickle takes more than it made");
  refuses(whole("(K\x01s"), "its pickle takes more than it made");
  refuses(whole("u"), "its pickle takes more than it made");
  refuses(whole("}(K\x01u"), "a key without a value");
  refuses(whole("K\x01(K\x01K\x02u"), "fills something that is not a dict");
  refuses(whole("h\x05"), "refers to what it did not make");
  refuses(whole("q\x05"), "takes more than it made");
  refuses(whole("c" + std::string("posix")), "ends in the middle");
  refuses(whole(text("x").substr(0, 3)), "ends in the middle");
  refuses(whole("o"), "it uses instruction 111 of pickle");
  refuses(whole(text("0") + "Q"), "a storage is not described as torch.save() does");
  refuses(whole(tuple({text("module"), text("x")}) + "Q"), "it refers to something outside");
  refuses(whole(call(global("collections", "OrderedDict"), {text("x")})),
          "a call of 'collections.OrderedDict' is not as usual");
  refuses(whole(call(global("torch._utils", "_rebuild_tensor_v2"), {text("x")})),
          "a call of 'torch._utils._rebuild_tensor_v2' is not as usual");
  // A dict in itself, and dicts in dicts without end
  CHECK(read_pickle(whole("}q" + std::string(1, '\1') + text("a") + "h\1s")).tensors.empty());
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "}" + text("a");
  refuses(whole(deep + "}" + std::string(100000, 's')), "nested too deeply");
}

TEST_CASE("a pickle cut short anywhere is an error, not a crash", "[pickle][errors]") {
  const auto sound = whole(dict({text("state_dict"), filled(ordered_dict(), {text("b"), kTwo})}));
  REQUIRE_NOTHROW(read_pickle(sound));
  for (std::size_t length = 0; length < sound.size(); ++length) {
    INFO(length);
    CHECK_THROWS_AS(read_pickle(sound.substr(0, length)), std::invalid_argument);
  }
  // Or with any one byte another: an error or other data, found without reading out of bounds.
  for (std::size_t at = 0; at < sound.size(); ++at)
    for (int value = 0; value < 256; value += 3) {
      auto broken = sound;
      broken[at] = static_cast<char>(value);
      try {
        read_pickle(broken);
      } catch (const std::invalid_argument&) {
      }
    }
}
