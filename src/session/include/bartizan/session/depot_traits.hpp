// What is known of a depot's database for all its sessions: whether code of its users can run where
// no statement shows it (behind views, operators, casts, defaults, constraints, policies, triggers).
// Where none can, a server connection on which only plain statements ran needs no reset before it
// serves another session (docs/adr/0115).
//
// A verdict is void from the moment that a statement which may define something is admitted until
// its transaction has ended and the catalogs have been asked again; and it ages, since definitions
// that go past this gateway are not seen.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "bartizan/base/clock.hpp"

namespace bartizan::session {

/// Thread-safe; lives as long as the gateway.
class DepotTraits {
 public:
  /// A verdict that is older is asked for again; twice as old, it is none.
  static constexpr auto kHolds = std::chrono::seconds(10);
  /// However much is defined, the catalogs are asked no more often, and for no more than this part of the time.
  static constexpr auto kAskedAtMostEvery = std::chrono::seconds(1);
  static constexpr int kRestPerCost = 50;

  /// asks: false where nothing is to be known, so that every connection is reset.
  explicit DepotTraits(bool asks = true) : asks_(asks) {}

  /// What two moments must agree in for everything between them to fall under it; by default: nothing is known.
  class Verdict {
   public:
    constexpr Verdict() = default;
    /// What reads, or writes, can run unseen leaves nothing in a session.
    [[nodiscard]] constexpr bool reads_leave_nothing() const noexcept { return (packed_ & 1) != 0; }
    [[nodiscard]] constexpr bool writes_leave_nothing() const noexcept { return (packed_ & 2) != 0; }
    friend constexpr bool operator==(Verdict, Verdict) = default;

   private:
    friend class DepotTraits;
    constexpr explicit Verdict(std::uint64_t packed) : packed_(packed) {}
    std::uint64_t packed_ = 0;  // the epoch, and two bits
  };
  [[nodiscard]] Verdict verdict(SteadyTime now) const noexcept;

  /// Between the two something may be defined; nothing is known meanwhile, nor after, until asked.
  void begin_definition() noexcept { defining_.fetch_add(1); }
  void end_definition() noexcept {
    epoch_.fetch_add(1);
    defining_.fetch_sub(1);
  }
  /// Differs once something has been defined that was seen; 0 while that is under way.
  [[nodiscard]] std::uint64_t definitions() const noexcept { return defining_.load() != 0 ? 0 : epoch_.load(); }
  /// It is another database now.
  void forget() noexcept { epoch_.fetch_add(1); }

  struct Question {
    std::uint64_t epoch = 0;  ///< 0: not to be asked
    bool whole = false;  ///< false: only whether the catalogs are as they were, which is cheap
    SteadyTime asked{};
  };
  struct Answer {
    bool reads_leave_nothing = false;
    bool writes_leave_nothing = false;
    std::string mark;  ///< differs when the catalogs do
  };
  /// For the one who is to ask now.
  [[nodiscard]] Question take_question(SteadyTime now);
  /// One row: two columns, 't' each where what can run unseen leaves nothing, of a whole question only; and the mark.
  [[nodiscard]] static const std::string& text_of(const Question& question);
  void take_answer(const Question& question, Answer answer, SteadyTime now);

 private:
  const bool asks_;
  std::atomic<std::uint64_t> epoch_{1};
  std::atomic<std::int64_t> defining_{0};
  std::atomic<std::uint64_t> packed_{0};
  std::atomic<SteadyTime::rep> proven_at_{0};
  std::atomic<SteadyTime::rep> next_question_at_{0};
  std::mutex mutex_;  // for what follows
  SteadyTime::duration cost_{};
  std::string mark_;
};

}  // namespace bartizan::session
