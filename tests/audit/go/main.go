// Verifies a tree that Bartizan wrote with Go's checksum-database code (golang.org/x/mod/sumdb), which
// knows nothing of Bartizan: note, tiles, inclusion and consistency proofs, and a changed bit.
//
//	main TREE VKEY PROOF RECORD OLDSIZE GROWTH
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error, what string) {
	if err != nil {
		fmt.Println("FAILED:", what, err)
		os.Exit(1)
	}
}

func refuse(err error, what string) {
	if err == nil {
		fmt.Println("FAILED: accepted", what)
		os.Exit(1)
	}
}

// The tiles of a folder. Go's paths carry the tile height, those of tlog-tiles do not.
type folder struct {
	root string
	flip string
}

func (f folder) Height() int { return 8 }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(f.root, path))
		if err != nil {
			// A full tile replaces partial ones.
			data, err = os.ReadFile(filepath.Join(f.root, strings.Split(path, ".p/")[0]))
			if err != nil {
				return nil, err
			}
			data = data[:tile.W*tlog.HashSize]
		}
		if path == f.flip {
			data = append([]byte(nil), data...)
			data[5] ^= 1
		}
		out = append(out, data)
	}
	return out, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func hashes(lines []string) (out []tlog.Hash) {
	for _, line := range lines {
		bytes, err := base64.StdEncoding.DecodeString(line)
		must(err, "base64")
		var hash tlog.Hash
		copy(hash[:], bytes)
		out = append(out, hash)
	}
	return
}

func entries(root string, size int64) (out [][]byte) {
	for n := int64(0); n*256 < size; n++ {
		path := filepath.Join(root, fmt.Sprintf("tile/entries/%03d", n))
		if size-n*256 < 256 {
			path += fmt.Sprintf(".p/%d", size-n*256)
		}
		data, err := os.ReadFile(path)
		must(err, path)
		for len(data) > 0 {
			length := int(data[0])<<8 | int(data[1])
			out = append(out, data[2:2+length])
			data = data[2+length:]
		}
	}
	return
}

func main() {
	root, vkey := os.Args[1], os.Args[2]
	verifier, err := note.NewVerifier(vkey)
	must(err, "verifier key")
	signed, err := os.ReadFile(filepath.Join(root, "checkpoint"))
	must(err, "checkpoint")
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err, "the checkpoint's signature")
	changed := append([]byte(nil), signed...)
	changed[len(verifier.Name())+1] ^= 1
	_, err = note.Open(changed, note.VerifierList(verifier))
	refuse(err, "a changed checkpoint")

	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "size")
	head := hashes(lines[2:3])[0]
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: head}, folder{root: root})
	computed, err := tlog.TreeHash(size, reader)
	must(err, "tree hash")
	if computed != head {
		must(fmt.Errorf("%v is not %v", computed, head), "root")
	}
	all := entries(root, size)
	if int64(len(all)) != size {
		must(fmt.Errorf("%d of %d", len(all), size), "entries")
	}
	for index := int64(0); index < size; index += 13 {
		proof, err := tlog.ProveRecord(size, index, reader)
		must(err, "proving a record")
		must(tlog.CheckRecord(proof, size, head, index, tlog.RecordHash(all[index])), "a record")
		refuse(tlog.CheckRecord(proof, size, head, index, tlog.RecordHash(append([]byte("x"), all[index]...))), "another record")
	}
	for old := int64(1); old <= size; old += 37 {
		proof, err := tlog.ProveTree(size, old, reader)
		must(err, "proving growth")
		was, err := tlog.TreeHash(old, reader)
		must(err, "older tree hash")
		must(tlog.CheckTree(proof, size, head, old, was), "growth")
	}
	_, err = tlog.TreeHash(size, tlog.TileHashReader(tlog.Tree{N: size, Hash: head}, folder{root, "tile/1/000.p/" + strconv.FormatInt(size/256, 10)}))
	refuse(err, "a changed tile")

	// What Bartizan itself proves.
	text, err := os.ReadFile(os.Args[3])
	must(err, "proof")
	parts := strings.SplitN(string(text), "\n\n", 2)
	top := strings.Split(parts[0], "\n")
	index, err := strconv.ParseInt(strings.TrimPrefix(top[1], "index "), 10, 64)
	must(err, "index")
	record, err := os.ReadFile(os.Args[4])
	must(err, "record")
	ours := hashes(top[2:])
	must(tlog.CheckRecord(ours, size, head, index, tlog.RecordHash(record)), "Bartizan's proof of a record")
	old, _ := strconv.ParseInt(os.Args[5], 10, 64)
	was, err := tlog.TreeHash(old, reader)
	must(err, "older tree hash")
	growth := hashes(strings.Fields(os.Args[6]))
	must(tlog.CheckTree(growth, size, head, old, was), "Bartizan's proof of growth")
	fmt.Println("ok", size)
}
