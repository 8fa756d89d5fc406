// What a rescale from 2 to 4 costs with RocksDB, the way engines do it: each new task opens a copy of
// the old files that overlap its key groups, and deletes the ranges it does not own.
//
//     benches/peers/rocksdb.sh KEYS DIRECTORY [ROUNDS]
//
// Medians of the rounds, after one more that does not count. What is in the directory is removed.
// Keys are two bytes of key group and eight bytes; values 100 bytes that do not compress.

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kGroups = 128;

static void check(const rocksdb::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::exit(1);
}

static double since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

static rocksdb::Options options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = 64 << 20;
  options.IncreaseParallelism(2);
  return options;
}

static std::string prefix(int group) {
  return {static_cast<char>(group >> 8), static_cast<char>(group & 0xff)};
}

static uint64_t mixed(uint64_t i) {
  i = (i ^ (i >> 30)) * 0xbf58476d1ce4e5b9ULL;
  i = (i ^ (i >> 27)) * 0x94d049bb133111ebULL;
  return i ^ (i >> 31);
}

static void load(const std::string& dir, uint64_t keys, int first, int last) {
  rocksdb::DB* opened = nullptr;
  check(rocksdb::DB::Open(options(), dir, &opened), "open");
  std::unique_ptr<rocksdb::DB> db(opened);
  rocksdb::WriteOptions write;
  write.disableWAL = true;
  std::mt19937_64 random(7);
  rocksdb::WriteBatch batch;
  for (uint64_t i = 0; i < keys; ++i) {
    const uint64_t key = mixed(i);
    const int group = static_cast<int>(key % kGroups);
    if (group < first || group > last) continue;
    std::string bytes = prefix(group);
    bytes.append(reinterpret_cast<const char*>(&key), sizeof key);
    uint64_t value[13];
    for (auto& word : value) word = random();
    batch.Put(bytes, rocksdb::Slice(reinterpret_cast<const char*>(value), 100));
    if (batch.Count() == 1000) {
      check(db->Write(write, &batch), "write");
      batch.Clear();
    }
  }
  check(db->Write(write, &batch), "write");
  check(db->Flush(rocksdb::FlushOptions()), "flush");
  // A state at rest, so that nothing compacts in the background while the rescale is measured.
  check(db->CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr), "compact");
}

static void take_files(const std::string& from, const std::string& to, bool link) {
  fs::create_directories(to);
  for (const auto& entry : fs::directory_iterator(from)) {
    const fs::path target = fs::path(to) / entry.path().filename();
    // Only tables never change; the rest is small and belongs to the new database alone.
    if (link && entry.path().extension() == ".sst") {
      fs::create_hard_link(entry.path(), target);
    } else {
      fs::copy_file(entry.path(), target);
    }
  }
}

static std::unique_ptr<rocksdb::DB> restore(const std::string& from, const std::string& to, int first,
                                            int last, bool link) {
  take_files(from, to, link);
  rocksdb::DB* opened = nullptr;
  check(rocksdb::DB::Open(options(), to, &opened), "open the copy");
  std::unique_ptr<rocksdb::DB> db(opened);
  rocksdb::WriteOptions write;
  write.disableWAL = true;
  auto* column = db->DefaultColumnFamily();
  if (first > 0) check(db->DeleteRange(write, column, prefix(0), prefix(first)), "delete below");
  if (last + 1 < kGroups) {
    check(db->DeleteRange(write, column, prefix(last + 1), prefix(kGroups)), "delete above");
  }
  return db;
}

// Without the first, which does not count.
static double median(std::vector<double> times) {
  times.erase(times.begin());
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

int main(int argc, char** argv) {
  const int rounds = argc == 4 ? std::atoi(argv[3]) : 0;
  if (rounds < 1) {
    std::fprintf(stderr, "usage: rocksdb KEYS DIRECTORY ROUNDS\n");
    return 2;
  }
  const uint64_t keys = std::strtoull(argv[1], nullptr, 10);
  const std::string root = argv[2];
  fs::remove_all(root);
  fs::create_directories(root);
  std::thread low(load, root + "/old0", keys, 0, 63);
  std::thread high(load, root + "/old1", keys, 64, 127);
  low.join();
  high.join();
  std::vector<double> checkpoints;
  for (int round = 0; round <= rounds; ++round) {
    for (int old = 0; old < 2; ++old) fs::remove_all(root + "/checkpoint" + std::to_string(old));
    std::unique_ptr<rocksdb::DB> dbs[2];
    for (int old = 0; old < 2; ++old) {
      rocksdb::DB* opened = nullptr;
      check(rocksdb::DB::Open(options(), root + "/old" + std::to_string(old), &opened), "open");
      dbs[old].reset(opened);
    }
    const auto start = Clock::now();
    for (int old = 0; old < 2; ++old) {
      rocksdb::Checkpoint* made = nullptr;
      check(rocksdb::Checkpoint::Create(dbs[old].get(), &made), "checkpoint");
      std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
      check(checkpoint->CreateCheckpoint(root + "/checkpoint" + std::to_string(old)), "checkpoint");
    }
    checkpoints.push_back(since(start));
  }
  std::printf("rocksdb,%llu,checkpoint by hard links,%.1f ms\n", static_cast<unsigned long long>(keys),
              median(checkpoints));
  for (const bool link : {false, true}) {
    std::vector<double> times;
    for (int round = 0; round <= rounds; ++round) {
      for (int task = 0; task < 4; ++task) fs::remove_all(root + "/new" + std::to_string(task));
      std::unique_ptr<rocksdb::DB> dbs[4];
      std::vector<std::thread> threads;
      const auto start = Clock::now();
      for (int task = 0; task < 4; ++task) {
        threads.emplace_back([&, task] {
          const std::string from = root + "/checkpoint" + std::to_string(task / 2);
          dbs[task] = restore(from, root + "/new" + std::to_string(task), task * 32, task * 32 + 31, link);
        });
      }
      for (auto& thread : threads) thread.join();
      times.push_back(since(start));
    }
    std::printf("rocksdb,%llu,restore 2 to 4 from %s files,%.1f ms\n",
                static_cast<unsigned long long>(keys), link ? "hard-linked" : "copied", median(times));
  }
  fs::remove_all(root);
  return 0;
}
