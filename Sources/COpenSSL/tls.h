// What TLS needs beside OpenSSL's functions: its macros as functions, and the pipe that stands where a socket would.
#pragma once
#include <openssl/core_names.h>
#include <openssl/ocsp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

// The pipe. One call into OpenSSL reads ciphertext from `input` and writes ciphertext to `output`; whoever made the
// call set both before and looks at both after. Nothing is allocated and nobody is called back: when the input is
// used up or the output is full, OpenSSL is told to retry and returns to the caller.
typedef struct edge_pipe {
  const unsigned char *input;
  size_t input_count;
  unsigned char *output;
  size_t output_room;
  size_t output_count; // written since the caller last looked
  int output_wanted;   // a write found no room
  // An alert must not wait for room: a connection that has failed is never asked to write again. So what is as short
  // as an alert is kept here when there is no output; it comes after `output`.
  unsigned char reserve[64];
  size_t reserve_count;
  int input_ended;     // the peer closed its direction of the transport
} edge_pipe;

static inline int edge_pipe_read(BIO *bio, char *into, size_t capacity, size_t *count) {
  edge_pipe *pipe = (edge_pipe *)BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  *count = 0;
  if (pipe->input_count == 0) {
    if (!pipe->input_ended) BIO_set_retry_read(bio);
    return 0;
  }
  size_t taken = capacity < pipe->input_count ? capacity : pipe->input_count;
  memcpy(into, pipe->input, taken);
  pipe->input += taken;
  pipe->input_count -= taken;
  *count = taken;
  return 1;
}

static inline int edge_pipe_write(BIO *bio, const char *from, size_t size, size_t *count) {
  edge_pipe *pipe = (edge_pipe *)BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  *count = 0;
  if (pipe->output_room == 0) {
    if (pipe->reserve_count == 0 && size <= sizeof pipe->reserve) {
      memcpy(pipe->reserve, from, size);
      pipe->reserve_count = size;
      *count = size;
      return 1;
    }
    pipe->output_wanted = 1;
    BIO_set_retry_write(bio);
    return 0;
  }
  size_t taken = size < pipe->output_room ? size : pipe->output_room;
  memcpy(pipe->output, from, taken);
  pipe->output += taken;
  pipe->output_room -= taken;
  pipe->output_count += taken;
  *count = taken;
  return 1;
}

static inline long edge_pipe_ctrl(BIO *bio, int command, long number, void *pointer) {
  (void)number;
  (void)pointer;
  edge_pipe *pipe = (edge_pipe *)BIO_get_data(bio);
  switch (command) {
  case BIO_CTRL_FLUSH: return 1;
  case BIO_CTRL_EOF: return pipe->input_ended && pipe->input_count == 0;
  default: return 0;
  }
}

static inline int edge_pipe_create(BIO *bio) {
  BIO_set_init(bio, 1);
  return 1;
}

static inline BIO_METHOD *edge_pipe_method(void) {
  BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "edge pipe");
  if (method == NULL) return NULL;
  BIO_meth_set_read_ex(method, edge_pipe_read);
  BIO_meth_set_write_ex(method, edge_pipe_write);
  BIO_meth_set_ctrl(method, edge_pipe_ctrl);
  BIO_meth_set_create(method, edge_pipe_create);
  return method;
}

// SSL_CTX macros.
static inline int edge_SSL_CTX_set_min_proto_version(SSL_CTX *c, int v) { return SSL_CTX_set_min_proto_version(c, v); }
static inline long edge_SSL_CTX_set_mode(SSL_CTX *c, long mode) { return SSL_CTX_set_mode(c, mode); }
static inline int edge_SSL_CTX_set1_groups_list(SSL_CTX *c, const char *list) { return SSL_CTX_set1_groups_list(c, list); }
static inline long edge_SSL_CTX_set_session_cache_mode(SSL_CTX *c, long mode) { return SSL_CTX_set_session_cache_mode(c, mode); }
static inline int edge_SSL_CTX_add1_chain_cert(SSL_CTX *c, X509 *x) { return SSL_CTX_add1_chain_cert(c, x); }
static inline void edge_SSL_CTX_on_server_name(SSL_CTX *c, int (*f)(SSL *, int *, void *), void *arg) {
  SSL_CTX_set_tlsext_servername_callback(c, f);
  SSL_CTX_set_tlsext_servername_arg(c, arg);
}
static inline void edge_SSL_CTX_on_status(SSL_CTX *c, int (*f)(SSL *, void *), void *arg) {
  SSL_CTX_set_tlsext_status_cb(c, f);
  SSL_CTX_set_tlsext_status_arg(c, arg);
}

// SSL macros.
static inline int edge_SSL_set_tlsext_host_name(SSL *s, const char *name) { return (int)SSL_set_tlsext_host_name(s, name); }
static inline void edge_SSL_request_status(SSL *s) { SSL_set_tlsext_status_type(s, TLSEXT_STATUSTYPE_ocsp); }
static inline long edge_SSL_status_response(SSL *s, const unsigned char **bytes) { return SSL_get_tlsext_status_ocsp_resp(s, bytes); }
// Copies: OpenSSL frees what it is given.
static inline int edge_SSL_set_status_response(SSL *s, const unsigned char *bytes, size_t count) {
  unsigned char *copy = (unsigned char *)OPENSSL_memdup(bytes, count);
  if (copy == NULL) return 0;
  return (int)SSL_set_tlsext_status_ocsp_resp(s, copy, (long)count);
}

// Session tickets: AES-256-CBC under HMAC-SHA-256, encrypt-then-MAC, as RFC 5077 §4 recommends.
static inline int edge_ticket_arm(EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, const unsigned char *cipher_key,
                                  unsigned char *mac_key, const unsigned char *iv, int encrypt) {
  OSSL_PARAM parameters[3];
  parameters[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key, 32);
  parameters[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"sha256", 0);
  parameters[2] = OSSL_PARAM_construct_end();
  return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, cipher_key, iv, encrypt) == 1 &&
         EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// Certificates: the DNS names of the subject alternative name, one at a time.
static inline int edge_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline const unsigned char *edge_dns_name(const GENERAL_NAMES *names, int index, int *count) {
  const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
  *count = 0;
  if (name->type != GEN_DNS) return NULL;
  *count = ASN1_STRING_length(name->d.dNSName);
  return ASN1_STRING_get0_data(name->d.dNSName);
}
static inline GENERAL_NAMES *edge_alternative_names(const X509 *x) {
  return (GENERAL_NAMES *)X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
}
static inline void edge_names_free(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }
static inline long edge_memory_bytes(BIO *memory, const char **bytes) {
  char *base = NULL;
  long count = BIO_get_mem_data(memory, &base);
  *bytes = base;
  return count;
}
// What an OCSP response says about one certificate. Times are seconds since 1970; no `until` means that the response
// names no end.
typedef struct edge_staple {
  int is_about; // it speaks of this certificate
  int is_revoked;
  int ends;
  int64_t from, until;
} edge_staple;

static inline int64_t edge_epoch_seconds(const ASN1_TIME *time) {
  int days = 0, seconds = 0;
  ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
  int known = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
  ASN1_TIME_free(epoch);
  return known ? (int64_t)days * 86400 + seconds : 0;
}

// By serial number and the issuer's name; the issuer's key is not asked for, since its certificate need not be here.
static inline int edge_staple_names(OCSP_CERTID *id, X509 *leaf) {
  ASN1_OCTET_STRING *issuer = NULL;
  ASN1_OBJECT *algorithm = NULL;
  ASN1_INTEGER *serial = NULL;
  if (OCSP_id_get0_info(&issuer, &algorithm, NULL, &serial, id) != 1) return 0;
  const EVP_MD *hash = EVP_get_digestbyobj(algorithm);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  return hash != NULL && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0 &&
         X509_NAME_digest(X509_get_issuer_name(leaf), hash, digest, &size) == 1 &&
         (int)size == ASN1_STRING_length(issuer) && memcmp(digest, ASN1_STRING_get0_data(issuer), size) == 0;
}

// 0 when these bytes are no successful OCSP response.
static inline int edge_read_staple(const unsigned char *bytes, long count, X509 *leaf, edge_staple *told) {
  memset(told, 0, sizeof *told);
  OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &bytes, count);
  int good = response != NULL && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
  OCSP_BASICRESP *basic = good ? OCSP_response_get1_basic(response) : NULL;
  OCSP_RESPONSE_free(response);
  if (basic == NULL) return 0;
  for (int index = 0; index < OCSP_resp_count(basic) && !told->is_about; index++) {
    OCSP_SINGLERESP *single = OCSP_resp_get0(basic, index);
    if (!edge_staple_names((OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single), leaf)) continue;
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
    int status = OCSP_single_get0_status(single, NULL, NULL, &from, &until);
    told->is_about = 1;
    told->is_revoked = status == V_OCSP_CERTSTATUS_REVOKED;
    told->from = edge_epoch_seconds(from);
    told->ends = until != NULL;
    if (until != NULL) told->until = edge_epoch_seconds(until);
  }
  OCSP_BASICRESP_free(basic);
  return 1;
}

// When a connection's certificates must be valid; 0 where the machine's clock decides.
static inline int64_t edge_SSL_verify_time(SSL *s) { return (int64_t)X509_VERIFY_PARAM_get_time(SSL_get0_param(s)); }

// The ticket keys hang on the SSL_CTX, because OpenSSL gives the callback no argument of its own.
typedef int (*edge_ticket_callback)(SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *, EVP_MAC_CTX *, int);
static inline void edge_SSL_CTX_set_ticket_keys(SSL_CTX *c, void *keys, edge_ticket_callback callback) {
  SSL_CTX_set_app_data(c, keys);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(c, callback);
}
static inline void *edge_SSL_ticket_keys(SSL *s) { return SSL_CTX_get_app_data(SSL_get_SSL_CTX(s)); }

// Options whose macros Swift cannot read.
static inline uint64_t edge_options(void) { return SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION; }
static inline uint64_t edge_option_no_tls13(void) { return SSL_OP_NO_TLSv1_3; }
// Idle connections give their record buffers back; a write may take one record and be repeated from elsewhere.
static inline long edge_modes(void) {
  return SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER;
}
// As RFC 2253 writes a name, with its letters beyond ASCII left as they are.
static inline unsigned long edge_name_flags(void) { return XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB; }
