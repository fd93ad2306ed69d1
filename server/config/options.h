/* Every setting of the server: one row each. The configuration file, the environment, the flags,
 * --help, `quern config example`, the man page and GET /api/v1/config all come from this table.
 *
 *   XX(KIND, field, "key", unit or choices, min, max, "default", "second environment name", "help")
 *
 * A key is its path in quern.yaml: rest.listen_port is `listen_port:` below `rest:`. From it follow
 * the environment variable QUERN_REST_LISTEN_PORT and the flag --rest-listen-port. The second name
 * is the one that Quickwit gives it. Kinds:
 *
 *   TEXT      struct qn_str        min/max: length in bytes
 *   URI       struct qn_str        a password in it is never shown
 *   CHOICE    struct qn_str        one of "a|b|c" in the unit column
 *   FLAG      bool                 true/false, yes/no, on/off, 1/0
 *   COUNT     uint64_t             a whole number of units
 *   SIZE      uint64_t bytes       "64MiB", "1.5 GB"
 *   DURATION  uint64_t us          "30s", "1h 30m"
 *   LIST      struct qn_str_list   YAML list, or "a,b,c"
 *
 * A row belongs here only when something reads it. Keys of Quickwit's node configuration that mean
 * nothing to this server are in QN_OPTIONS_IGNORED: accepted with a warning, so that an existing
 * quickwit.yaml starts. */
#ifndef QN_CONFIG_OPTIONS_H
#define QN_CONFIG_OPTIONS_H

#define QN_CFG_KIB 1024ull
#define QN_CFG_MIB (1024ull << 10)
#define QN_CFG_GIB (1024ull << 20)
#define QN_CFG_TIB (1024ull << 30)
#define QN_CFG_SEC 1000000ull
#define QN_CFG_DAY (86400 * QN_CFG_SEC)

/* clang-format off */
#define QN_OPTIONS(XX)                                                                             \
XX(CHOICE, version, "version", "0.7|0.8|0.9", 0, 0, "0.8", NULL,                                   \
   "Version of this file's format")                                                                \
XX(TEXT, cluster_id, "cluster_id", "", 1, 128, "quern", "QW_CLUSTER_ID",                           \
   "Name of the cluster; shown to Elasticsearch clients as cluster_name")                          \
XX(TEXT, node_id, "node_id", "", 0, 128, "", "QW_NODE_ID",                                         \
   "Name of this node, unique in the cluster; empty: the short host name")                         \
XX(TEXT, listen_address, "listen_address", "", 1, 255, "127.0.0.1", "QW_LISTEN_ADDRESS",           \
   "Address that clients connect to; 0.0.0.0 or :: for all of this machine's")                     \
XX(TEXT, advertise_address, "advertise_address", "", 0, 255, "", "QW_ADVERTISE_ADDRESS",           \
   "Address that other nodes are told; empty: listen_address")                                     \
XX(TEXT, data_dir, "data_dir", "", 1, 4000, "./quern-data", "QW_DATA_DIR",                         \
   "Folder for everything the server keeps; made when missing")                                    \
XX(URI, metastore_uri, "metastore_uri", "", 0, 4000, "", "QW_METASTORE_URI",                       \
   "Where indexes and splits are registered: a file or sqlite:// URI; empty: in data_dir")         \
XX(URI, default_index_root_uri, "default_index_root_uri", "", 0, 4000, "",                         \
   "QW_DEFAULT_INDEX_ROOT_URI",                                                                    \
   "Where splits are kept: a folder or file:// URI; empty: in data_dir")                           \
XX(SIZE, memory_limit, "memory_limit", "", 0, 1024 * QN_CFG_TIB, "0", NULL,                        \
   "Memory for requests, queries, indexing and caches; 0: three quarters of what there is")        \
XX(CHOICE, simd, "simd", "auto|scalar|avx2|avx512|avx512vp2", 0, 0, "auto", NULL,                  \
   "Instruction set of the inner loops; auto: the best that this machine has")                     \
XX(DURATION, shutdown_timeout, "shutdown_timeout", "", 0, QN_CFG_DAY, "30s", NULL,                 \
   "How long a stopping server waits for requests that are running")                               \
XX(COUNT, rest_listen_port, "rest.listen_port", "port", 0, 65535, "7280", "QW_REST_LISTEN_PORT",   \
   "Port of the HTTP API and the page; 0: any free port")                                          \
XX(LIST, rest_cors_allow_origins, "rest.cors_allow_origins", "", 0, 100, "", NULL,                 \
   "Origins whose pages may call the API from a browser, or '*'; none by default")                 \
XX(LIST, rest_extra_headers, "rest.extra_headers", "", 0, 16, "", NULL,                            \
   "Headers added to every answer, each \"Name: value\"")                                          \
XX(TEXT, rest_tls_cert_path, "rest.tls.cert_path", "", 0, 4000, "", NULL,                          \
   "Certificate chain in PEM; with key_path it turns on HTTPS")                                    \
XX(TEXT, rest_tls_key_path, "rest.tls.key_path", "", 0, 4000, "", NULL,                            \
   "Private key in PEM")                                                                           \
XX(COUNT, rest_io_threads, "rest.io_threads", "threads", 1, 64, "2", NULL,                         \
   "Threads that own client sockets")                                                              \
XX(COUNT, rest_workers, "rest.workers", "threads", 0, 256, "0", NULL,                              \
   "Threads for each of searches and ingest requests; 0: as many as CPUs")                         \
XX(COUNT, rest_max_queued, "rest.max_queued", "requests", 1, 100000, "1000", NULL,                 \
   "Requests of a kind that may wait for a worker; more get status 429")                           \
XX(COUNT, rest_max_connections, "rest.max_connections", "connections", 1, 100000, "4096", NULL,    \
   "Client connections at one time")                                                               \
XX(DURATION, rest_idle_timeout, "rest.idle_timeout", "", QN_CFG_SEC, QN_CFG_DAY, "60s", NULL,      \
   "A connection without traffic is closed after this")                                            \
XX(DURATION, rest_header_timeout, "rest.header_timeout", "", QN_CFG_SEC, QN_CFG_DAY, "10s", NULL,  \
   "A client must have sent its request line and headers within this")                             \
XX(SIZE, rest_min_body_rate, "rest.min_body_rate", "", 0, QN_CFG_GIB, "1KiB", NULL,                \
   "A client that sends its body slower than this in a second is cut off; 0: never")               \
XX(SIZE, rest_compress_min, "rest.compress_min", "", 0, QN_CFG_GIB, "1KiB", NULL,                  \
   "Smaller answers are sent uncompressed")                                                        \
XX(SIZE, ingest_api_content_length_limit, "ingest_api.content_length_limit", "", 1, QN_CFG_TIB,    \
   "100MiB", NULL, "Largest request body, after decompression; more gets status 413")              \
XX(SIZE, ingest_api_max_queue_disk_usage, "ingest_api.max_queue_disk_usage", "", 256 * QN_CFG_MIB, \
   1024 * QN_CFG_TIB, "16GiB", NULL,                                                               \
   "Largest size of the journal; documents that do not fit get status 429")                        \
XX(SIZE, ingest_api_max_queue_memory_usage, "ingest_api.max_queue_memory_usage", "", QN_CFG_MIB,   \
   QN_CFG_TIB, "64MiB", NULL, "Documents that may wait in memory to be written to the journal")    \
XX(SIZE, journal_segment_size, "journal.segment_size", "", QN_CFG_MIB, QN_CFG_GIB, "64MiB", NULL,  \
   "Size of the journal's files")                                                                  \
XX(TEXT, elastic_version, "elastic.version", "", 5, 32, "8.19.0", NULL,                            \
   "Elasticsearch version told to clients, some of which refuse old or new ones")                  \
XX(CHOICE, log_level, "log.level", "error|warn|info|debug", 0, 0, "info", NULL,                    \
   "Least important log lines that are written")

/*  XX(alias, key): another name of a key */
#define QN_OPTIONS_ALIASES(XX)                                                                     \
XX("rest_listen_port", "rest.listen_port")

/*  XX(key or section, why it has no effect) */
#define QN_OPTIONS_IGNORED(XX)                                                                     \
XX("availability_zone", "nodes are not placed by zone")                                            \
XX("enabled_services", "every node does everything")                                               \
XX("gossip_listen_port", "there is no gossip")                                                     \
XX("gossip_interval_ms", "there is no gossip")                                                     \
XX("gossip_protocol_version", "there is no gossip")                                                \
XX("peer_seeds", "there is no gossip")                                                             \
XX("grpc_listen_port", "there is no gRPC")                                                         \
XX("grpc", "there is no gRPC")                                                                     \
XX("health", "/health is served on the HTTP port")                                                 \
XX("rest.max_connection_age", "connections are closed by idle time")                               \
XX("rest.max_connection_age_grace", "connections are closed by idle time")                         \
XX("docs_clustering", "documents are not reordered inside of a split")                             \
XX("metastore_read_replica_uri", "this version keeps its metadata in SQLite")                      \
XX("enable_standalone_compactors", "this version merges in the server")                            \
XX("storage", "this version stores on the local disk")                                             \
XX("metastore", "this version keeps its metadata in SQLite")                                       \
XX("indexer", "this version has no such setting")                                                  \
XX("ingest_api", "this version has no such setting")                                               \
XX("searcher", "this version has no such setting")                                                 \
XX("jaeger", "this version has no Jaeger endpoint")                                                \
XX("compactor", "this version merges in the server")
/* clang-format on */

#endif
