#include "bartizan/session/class_opening.hpp"

#include <algorithm>

#include "bartizan/pgwire/backend_messages.hpp"
#include "bartizan/pgwire/frame.hpp"
#include "bartizan/pgwire/writer.hpp"

namespace bartizan::session {

namespace be = pgwire::backend;

void ClassOpening::begin(std::string_view statement, Bytes& out) {
  pgwire::MessageWriter writer(out);
  pgwire::write_query(writer, statement);
}

ClassOpening::Step ClassOpening::on_bytes(ByteView input) {
  constexpr std::size_t kMaxMessageBytes = 8 * 1024;
  Step step;
  while (step.consumed < input.size()) {
    const ByteView rest = input.subspan(step.consumed);
    pgwire::FrameHeader header;
    const auto status = pgwire::peek_frame(rest, header);
    if (status == pgwire::FrameStatus::NeedMore) return step;
    if (status == pgwire::FrameStatus::Malformed || header.total_bytes() > kMaxMessageBytes)
      return {step.consumed, Action::Failed};
    if (rest.size() < header.total_bytes()) return step;
    step.consumed += header.total_bytes();
    step.action = on_message(header.type, rest.first(header.total_bytes()).subspan(pgwire::kFrameHeaderBytes));
    if (step.action != Action::NeedMore) return step;
  }
  return step;
}

ClassOpening::Action ClassOpening::on_message(char type, ByteView payload) {
  if (type == be::kNoticeResponse || type == be::kParameterStatus) return Action::NeedMore;
  if (type == be::kErrorResponse) {
    if (const auto report = pgwire::decode_report(payload)) sqlstate_ = report->sqlstate();
    return Action::Failed;
  }
  switch (phase_) {
    case Phase::Description:
      if (type != be::kRowDescription) return Action::Failed;
      phase_ = Phase::Row;
      return Action::NeedMore;
    case Phase::Row: {
      if (type != be::kDataRow) return Action::Failed;
      const auto row = pgwire::decode_data_row(payload);
      if (!row || row->columns.size() != 1) return Action::Failed;
      const auto nonce = *row->columns.begin();
      if (!nonce || nonce->empty() || nonce->size() > kMaxNonceBytes) return Action::Failed;
      nonce_ = as_chars(*nonce);
      phase_ = Phase::Complete;
      return Action::NeedMore;
    }
    case Phase::Complete:
      if (type != be::kCommandComplete) return Action::Failed;
      phase_ = Phase::Ready;
      return Action::NeedMore;
    case Phase::Ready: {
      const auto ready = pgwire::decode_ready_for_query(payload);
      const bool idle = type == be::kReadyForQuery && ready && ready->status == pgwire::TransactionStatus::Idle;
      return idle ? Action::Ready : Action::Failed;
    }
  }
  return Action::Failed;
}

}  // namespace bartizan::session
