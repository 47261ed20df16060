# A machine image with the server, PostgreSQL and Memcached on it, from the Debian package:
#
#   packer init image.pkr.hcl
#   packer build -var package=../../dist/qis_0.1.0-1_amd64.deb -var version=0.1.0 image.pkr.hcl
packer {
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.3.0"
    }
  }
}

variable "package" {
  type        = string
  description = "The file qis_*.deb, for the architecture below."
}

variable "version" {
  type        = string
  description = "Becomes part of the image's name."
}

variable "region" {
  type    = string
  default = "eu-west-1"
}

variable "architecture" {
  type        = string
  default     = "x86_64"
  description = "x86_64, or arm64 for Graviton."
}

variable "instance_type" {
  type        = string
  default     = "t3.medium"
  description = "Of the machine that builds; the image runs on any type of its architecture."
}

variable "admin_password" {
  type        = string
  default     = "qisadmin"
  description = "The first password of admin. A well-known one has to be changed at the first log-in, before anything else."
  sensitive   = true
}

source "amazon-ebs" "debian" {
  region        = var.region
  instance_type = var.instance_type
  ssh_username  = "admin"
  ami_name      = "qis-${var.version}-${formatdate("YYYYMMDDhhmmss", timestamp())}"

  source_ami_filter {
    # Debian's own account.
    owners      = ["136693071363"]
    most_recent = true
    filters = {
      name                = "debian-12-*"
      architecture        = var.architecture
      virtualization-type = "hvm"
      root-device-type    = "ebs"
    }
  }

  imds_support = "v2.0"
  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
  }

  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_size           = 10
    volume_type           = "gp3"
    delete_on_termination = true
  }

  tags = {
    Name    = "qis"
    Version = var.version
    Base    = "{{ .SourceAMIName }}"
  }
}

build {
  sources = ["source.amazon-ebs.debian"]

  provisioner "file" {
    source      = var.package
    destination = "/tmp/qis.deb"
  }

  provisioner "file" {
    source      = "${path.root}/files"
    destination = "/tmp"
  }

  provisioner "shell" {
    script           = "${path.root}/provision.sh"
    environment_vars = ["ADMIN_PASSWORD=${var.admin_password}"]
    execute_command  = "sudo env {{ .Vars }} sh {{ .Path }} /tmp/qis.deb /tmp/files"
  }
}
