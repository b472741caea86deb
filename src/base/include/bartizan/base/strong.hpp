// Strong<Tag, T>: a T that does not mix with another Strong, for ids and counts.
#pragma once

#include <compare>
#include <functional>
#include <utility>

namespace bartizan {

template <class Tag, class T>
class Strong {
 public:
  constexpr Strong() = default;
  constexpr explicit Strong(T value) : value_(std::move(value)) {}
  [[nodiscard]] constexpr const T& get() const noexcept { return value_; }
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;

 private:
  T value_{};
};

}  // namespace bartizan

template <class Tag, class T>
struct std::hash<bartizan::Strong<Tag, T>> {
  std::size_t operator()(const bartizan::Strong<Tag, T>& v) const noexcept { return std::hash<T>{}(v.get()); }
};
