// hnswlib in C++ at the machine's full width, as the program beside which bench/vectors.mjs puts every other contender.
// Arguments: rows, queries (float32 files), numbers a row, "l2" or "ip", M, efConstruction. A line on standard input is a
// request, and each is answered by a line: "add FROM TO" and "turn EF FROM TO" by seconds, the latter with ten row
// numbers a query behind it; "save PATH" and "load PATH" by "0".

#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

static const size_t K = 10;
static const size_t SEED = 100;

static std::vector<float> read(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<float> out(file.tellg() / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(out.data()), out.size() * sizeof(float));
  return out;
}

template <typename Work>
static double seconds(Work work) {
  const auto started = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

int main(int, char** arguments) {
  const std::vector<float> base = read(arguments[1]);
  const std::vector<float> queries = read(arguments[2]);
  const size_t dim = std::stoul(arguments[3]);
  const size_t rows = base.size() / dim;
  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  if (strcmp(arguments[4], "l2") == 0) space = std::make_unique<hnswlib::L2Space>(dim);
  else space = std::make_unique<hnswlib::InnerProductSpace>(dim);
  using Graph = hnswlib::HierarchicalNSW<float>;
  std::unique_ptr<Graph> graph;

  char verb[8], path[4096];
  while (scanf("%7s", verb) == 1) {
    size_t ef, from, to;
    if (strcmp(verb, "add") == 0 && scanf("%zu %zu", &from, &to) == 2) {
      if (!graph) {
        graph = std::make_unique<Graph>(space.get(), rows, std::stoul(arguments[5]), std::stoul(arguments[6]), SEED);
      }
      printf("%.9f\n", seconds([&] {
        for (size_t row = from; row < to; row++) graph->addPoint(&base[row * dim], row);
      }));
    } else if (strcmp(verb, "turn") == 0 && scanf("%zu %zu %zu", &ef, &from, &to) == 3) {
      graph->setEf(ef);
      std::vector<std::vector<size_t>> answers(to - from);
      printf("%.9f", seconds([&] {
        for (size_t query = from; query < to; query++) {
          auto found = graph->searchKnn(&queries[query * dim], K);
          for (; !found.empty(); found.pop()) answers[query - from].push_back(found.top().second);
        }
      }));
      for (auto& answer : answers) {
        answer.resize(K, rows);
        for (const size_t row : answer) printf(" %zu", row);
      }
      printf("\n");
    } else if (strcmp(verb, "save") == 0 && scanf("%4095s", path) == 1) {
      graph->saveIndex(path);
      printf("0\n");
    } else if (strcmp(verb, "load") == 0 && scanf("%4095s", path) == 1) {
      graph = std::make_unique<Graph>(space.get(), path);
      printf("0\n");
    } else {
      return 1;
    }
    fflush(stdout);
  }
}
