// Package pagecache brings a file into a state of the page cache that a
// benchmark wants to start from, and says which state a file is in.
//
// [Evict] makes it cold. [CacheLarge] caches it in large folios, as reading it
// from front to back does, and [CacheSmall] in folios of one page, as reading
// it at random does. The kernel copies from large folios and maps them up to
// five times as fast, and no stat tells them apart; [Look] does, by counting
// the page faults of a mapping. [KeepLarge] and [KeepSmall] put back what the
// system has taken in the meantime. [WarmMemory] makes a virtual machine have the
// memory that a cold read will fill: the first use of guest memory is dear.
//
// It is for Linux 6.5 and later (cachestat).
package pagecache
