#include "bartizan/http/status.hpp"

namespace bartizan::http {

std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return {};
  }
}

unsigned status_of(Errc code) noexcept {
  switch (code) {
    case Errc::InvalidArgument: return 422;
    case Errc::Malformed: return 400;
    case Errc::TooLarge: return 413;
    case Errc::Unauthenticated: return 401;
    case Errc::PermissionDenied: return 403;
    case Errc::NotFound: return 404;
    case Errc::AlreadyExists: return 409;
    case Errc::Conflict: return 412;
    case Errc::FailedPrecondition: return 409;
    case Errc::ResourceExhausted: return 429;
    case Errc::Unavailable: return 503;
    case Errc::DeadlineExceeded: return 504;
    case Errc::Cancelled: return 503;
    case Errc::Unsupported: return 501;
    case Errc::Io: return 500;
    case Errc::Crypto: return 500;
    case Errc::Internal: return 500;
  }
  return 500;
}

}  // namespace bartizan::http
