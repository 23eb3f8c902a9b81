package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// A file is what is written, or packed.
type file struct {
	name string
	data []byte
	mode fs.FileMode
}

// A platform is a system that there are releases for, in the words of Go, of Node and of
// Python's tags for wheels.
type platform struct {
	os, arch string // of Go, and in names of archives
	node     string // process.platform-process.arch
	npmOS    string
	npmCPU   string
	wheel    string
}

// The binaries are static, so that they need no C library of a kind. The least macOS is
// that of the Go release.
var platforms = []platform{
	{"linux", "amd64", "linux-x64", "linux", "x64", "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64"},
	{"linux", "arm64", "linux-arm64", "linux", "arm64", "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64"},
	{"darwin", "amd64", "darwin-x64", "darwin", "x64", "macosx_12_0_x86_64"},
	{"darwin", "arm64", "darwin-arm64", "darwin", "arm64", "macosx_12_0_arm64"},
	{"windows", "amd64", "win32-x64", "win32", "x64", "win_amd64"},
	{"windows", "arm64", "win32-arm64", "win32", "arm64", "win_arm64"},
}

// A release is what its archives hold.
type release struct {
	version string // 1.2.3
	of      map[platform]*content
}

// A content is what packages take of an archive.
type content struct {
	binary file
	texts  []file // licences
}

var (
	archiveName = regexp.MustCompile(`^mcpolicy_([^_/]+)_([a-z0-9]+)_([a-z0-9]+)\.(tar\.gz|zip)$`)
	versionForm = regexp.MustCompile(`^(\d+\.\d+\.\d+)(-[0-9A-Za-z.-]+)?$`)
)

// maxFile bounds what is unpacked of one file.
const maxFile = 512 << 20

// readRelease reads the archives that checksums.txt names. What has another digest is
// refused, and so is a folder without archives, or with those of two versions.
func readRelease(dist fs.FS) (*release, error) {
	sums, err := fs.ReadFile(dist, "checksums.txt")
	if err != nil {
		return nil, err
	}
	r := &release{of: map[platform]*content{}}
	for line := range strings.Lines(string(sums)) {
		want, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			return nil, fmt.Errorf("checksums.txt: want a digest and a name, have %q", line)
		}
		m := archiveName.FindStringSubmatch(name)
		if m == nil {
			continue // packages, and lists of what is linked
		}
		i := slices.IndexFunc(platforms, func(p platform) bool { return p.os == m[2] && p.arch == m[3] })
		if i < 0 {
			return nil, fmt.Errorf("%s: there are no packages for %s on %s", name, m[2], m[3])
		}
		if r.version != "" && r.version != m[1] {
			return nil, fmt.Errorf("%s: there are archives of %s too", name, r.version)
		}
		r.version = m[1]
		if r.of[platforms[i]], err = readArchive(dist, name, want); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(r.of) == 0 {
		return nil, errors.New("checksums.txt names no archive")
	}
	if !versionForm.MatchString(r.version) {
		return nil, fmt.Errorf("want a version like 1.2.3, have %q", r.version)
	}
	return r, nil
}

// readArchive takes the binary and the licences out of an archive with a digest.
func readArchive(dist fs.FS, name, want string) (*content, error) {
	data, err := fs.ReadFile(dist, name)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
		return nil, errors.New("its digest is not the one in checksums.txt")
	}
	unpack := untar
	if strings.HasSuffix(name, ".zip") {
		unpack = unzip
	}
	c := &content{}
	err = unpack(data, func(name string, r io.Reader) error {
		switch name {
		case "mcpolicy", "mcpolicy.exe", "LICENSE", "THIRD_PARTY_LICENSES.txt":
		default:
			return nil
		}
		data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
		if err != nil || len(data) > maxFile {
			return errors.Join(err, fmt.Errorf("%s cannot be unpacked, or is too large", name))
		}
		if strings.HasPrefix(name, "mcpolicy") {
			c.binary = file{name, data, 0o755}
		} else {
			c.texts = append(c.texts, file{name, data, 0o644})
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(c.binary.data) == 0:
		return nil, errors.New("there is no mcpolicy in it")
	case len(c.texts) != 2:
		return nil, errors.New("it does not have LICENSE and THIRD_PARTY_LICENSES.txt")
	}
	return c, nil
}

func untar(data []byte, each func(string, io.Reader) error) error {
	gz, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeReg {
			if err := each(h.Name, r); err != nil {
				return err
			}
		}
	}
}

func unzip(data []byte, each func(string, io.Reader) error) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return err
		}
		err = each(f.Name, r)
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return nil
}
